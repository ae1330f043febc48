# SPDX-License-Identifier: Apache-2.0
"""Audits of gateways, with gateways that are none: who answers, who is older,
silent or away, and what is no answer."""
import json
import time

import pytest

from fake_gateway import FakeGateway, UnixConnection
from test_gateways import Fabric

DRIFT = {"what": "foreign", "object": "tenant acme",
         "row": "route 198.18.0.0/24 in vx7", "found": "", "repaired": False}


def part(name="zebra", *items, **members):
    """A part of an answer."""
    return {"part": name, "result": "ok", "rows": 10, "found": len(items),
            "repaired": 0, "items": list(items), **members}


class Auditor(FakeGateway):
    """One that knows audits; it answers with what the test gave it, None =
    not at all."""

    parts = ()
    nonce = 0

    def take(self, line):
        super().take(line)
        if line.get("type") == "audit" and self.parts is not None:
            self.answer(line["value"]["nonce"], self.parts)

    def answer(self, nonce, parts, **members):
        """Reports these parts."""
        self.nonce = nonce
        return super().report(audit={
            "nonce": nonce, "took_ms": 3, "age_ms": 0, "repair": False,
            "parts": list(parts), **members})

    def report(self, **members):
        members.setdefault("audit", {"nonce": self.nonce})
        return super().report(**members)


@pytest.fixture(name="fabric")
def _fabric():
    one = Fabric()
    try:
        one.start()
        yield one.build()
    finally:
        one.close()


@pytest.fixture(name="g1")
def _g1(fabric):
    one = Auditor(fabric.unix_path, "g1").open().wait_sync(30)
    connected(fabric, "g1")
    yield one
    one.close()


def connected(fabric, name):
    """Back when the controller takes the gateway for one that is there."""
    fabric.until(lambda: fabric.bgp()[name]["connected"], 20)


def audit(fabric, query="gateway=g1&wait=30", want=200):
    """POST /v1/audit: (the gateway's line, its findings)."""
    reply = fabric.call("POST", f"/v1/audit?{query}", want=want)
    return reply["gateways"][0], reply["items"]


def test_what_a_gateway_finds_is_told_with_its_part(fabric, g1):
    g1.parts = [part("zebra", DRIFT), part("bgpd")]
    line, items = audit(fabric)
    assert line["gateway"] == "g1" and line["host"] == "gw1"
    assert line["result"] == "ok" and line["audited"]
    assert (line["rows"], line["found"], line["open"]) == (20, 1, 1)
    assert line["parts"] == [
        {"part": "zebra", "result": "ok", "rows": 10, "found": 1,
         "repaired": 0, "items": [
             {"what": "foreign", "object": DRIFT["object"],
              "row": DRIFT["row"], "found": "", "state": "open"}]},
        {"part": "bgpd", "result": "ok", "rows": 10, "found": 0,
         "repaired": 0, "items": []}]
    found, = items
    assert (found["gateway"], found["host"], found["kind"], found["what"],
            found["row"], found["state"]) == (
        "g1", "gw1", "zebra", "foreign", DRIFT["row"], "open")
    # It is there again, then repaired, then not there.
    again, = audit(fabric)[1]
    assert again["id"] == found["id"] and again["since"] == found["since"]
    g1.parts = [part("zebra", dict(DRIFT, repaired=True), repaired=1)]
    line, items = audit(fabric, "host=gw1&repair=1&wait=30", 200)
    assert items[0]["state"] == "repaired" and line["open"] == 0
    assert line["parts"][0]["items"][0]["state"] == "repaired"
    asked = [e for _, e in g1.lines if e.get("type") == "audit"]
    assert [e["value"]["repair"] for e in asked] == [False, False, True]
    assert len({e["value"]["nonce"] for e in asked}) == 3
    g1.parts = [part("zebra")]
    assert audit(fabric)[1] == []
    known = fabric.call("GET", "/v1/audit?gateway=g1")["items"]
    assert [f["state"] for f in known] == ["repaired"]
    assert fabric.call("GET", "/v1/audit?gateway=g1&state=open")["items"] \
        == []


def test_an_older_gateway_and_one_that_is_away_are_named_at_once(fabric):
    older = fabric.gateway("g1")
    try:
        connected(fabric, "g1")
        began = time.monotonic()
        reply = fabric.call("POST", "/v1/audit?wait=60")
        # Hosts are not there either: they cost nothing.
        assert time.monotonic() - began < 30
        one, two = reply["gateways"]
        assert "older" in one["result"]
        assert two["result"] == "vxgatewayd is not connected"
        assert one["audited"] is None and one["parts"] == []
        assert not [e for _, e in older.lines if e.get("type") == "audit"]
    finally:
        older.close()


def test_a_gateway_that_does_not_answer_is_given_up(fabric, g1):
    g1.parts = [part()]
    seen = audit(fabric)[0]["audited"]
    g1.parts = None
    began = time.monotonic()
    line, items = audit(fabric, "gateway=g1&wait=60")
    assert 9 < time.monotonic() - began < 40
    assert line["result"] == "not answered within 10 s"
    assert line["audited"] == seen and items == []
    assert line["parts"] == []
    # Who does not want to wait so long is told so.
    line, _ = audit(fabric, "gateway=g1&wait=1", 202)
    assert line["state"] == "waiting"
    # It comes again in a new stream, and the answer is taken.
    g1.close()
    g1.parts = [part()]
    g1.open().wait_sync(30)
    connected(fabric, "g1")
    assert audit(fabric)[0]["result"] == "ok"


def test_an_answer_to_another_question_is_none(fabric, g1):
    g1.parts = [part()]
    audit(fabric)
    g1.parts = None
    status, _ = g1.answer(2 ** 52, [part("zebra", DRIFT)])
    assert status == 200
    line, _ = audit(fabric, "gateway=g1&wait=1", 202)
    assert line["state"] == "waiting"
    # But it is what the gateway has found, of its own accord.
    assert line["open"] == 1


def test_what_is_no_answer_is_refused_or_left_out(fabric, g1):
    many = [part("zebra", *[dict(DRIFT, row=f"row {i}") for i in range(101)])]
    assert g1.answer(0, many)[0] == 400
    assert g1.answer(0, [part()] * 17)[0] == 400
    assert g1.answer(0, [dict(part(), items={"a": 1})])[0] == 400
    odd = [
        None, 7, "zebra", {}, {"part": 7}, part("odd"), part("zebra"),
        part("zebra", DRIFT),                       # told twice
        part("bgpd", None, 7, {}, dict(DRIFT, row=""),
             dict(DRIFT, what="odd"), dict(DRIFT, row=7),
             dict(DRIFT, row="x" * 251), dict(DRIFT, row="good \u0007 \u20ac",
                                              object=7, found="y" * 300),
             rows=-1, found=-5, repaired=10 ** 30),
        part("kernel", result=7, rows="7"),
    ]
    status, answer = g1.answer(-1, odd)
    assert status == 200 and answer["left_out"] == 14, answer
    line = fabric.call("GET", "/v1/audit?gateway=g1")["gateways"][0]
    parts = {p["part"]: p for p in line["parts"]}
    assert set(parts) == {"zebra", "bgpd", "kernel"}
    assert parts["bgpd"]["rows"] == 0 and parts["bgpd"]["found"] == 1
    assert "does not say" in parts["kernel"]["result"]
    item, = fabric.call("GET", "/v1/audit?gateway=g1")["items"]
    assert item["row"] == "good \u0007 \u20ac"
    assert item["object"] == "" and item["found"] == ""
    for value in (None, 7, "audit", [], True):
        assert g1.report(audit=value)[0] == 200
    # Bytes that are no UTF-8 are no report.
    body = json.dumps({"boot": "x", "audit": {"nonce": 1, "parts": [
        part("zebra", dict(DRIFT, row="ROW"))]}}).encode()
    connection = UnixConnection(fabric.unix_path, 30)
    try:
        connection.request("POST", "/v1/gateways/g1/report",
                           body.replace(b"ROW", b"\xff\xfe"))
        assert connection.getresponse().status == 400
    finally:
        connection.close()


def test_a_gateway_that_is_removed_takes_its_findings(fabric, g1):
    g1.parts = [part("zebra", DRIFT)]
    assert audit(fabric)[0]["open"] == 1
    fabric.call("DELETE", "/v1/tenants/acme/peerings/ce1")
    fabric.call("DELETE", "/v1/gateways/g1")
    reply = fabric.call("GET", "/v1/audit")
    assert [g["gateway"] for g in reply["gateways"]] == ["g2"]
    assert not reply["items"]
    fabric.call("POST", "/v1/audit?gateway=g1", want=404)

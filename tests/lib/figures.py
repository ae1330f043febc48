# SPDX-License-Identifier: Apache-2.0
"""Figures of acceptance: a test says what it counted and how long it took,
and the end of the run shows it again, also when output is captured."""
import pytest

_KEY = "figure"


@pytest.fixture
def figures(request):
    """figures("60 ports, 2,280 pairs in 1.2 s")"""
    def say(text):
        print(f"  {text}", flush=True)
        request.node.user_properties.append((_KEY, text))

    return say


def pytest_terminal_summary(terminalreporter):
    """All figures, by test; also of tests that other processes ran."""
    said = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, text in getattr(report, "user_properties", ()):
                if key == _KEY:
                    lines = said.setdefault(report.nodeid, [])
                    if report.when == "teardown" or text not in lines:
                        lines.append(text)
    if not said:
        return
    terminalreporter.section("figures")
    for name, lines in said.items():
        terminalreporter.write_line(name.rpartition("::")[2])
        for text in dict.fromkeys(lines):
            terminalreporter.write_line(f"    {text}")

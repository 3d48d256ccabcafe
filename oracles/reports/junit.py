"""A report as JUnit XML, as Jenkins, GitLab, GitHub's test reporters and pytest's own tools read it.

A test case a verdict: its class name is the op and the layer, its name the check, the dtype and the oracle. A failure
carries its cause as the message, and the message, the case and the snippet as the text. A disputed verdict is about an
oracle, no test of the layer: those stand in the suite's system-out. Seed, versions and notes are its properties.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from ..claims.verdicts import Verdict
from .report import Report

# what XML 1.0 cannot hold; a carriage return as well, which a parser reads as a new line
UNFIT = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LEFT = ("skipped", "unfinished", "xfailed")  # what JUnit calls skipped


def document(report: Report) -> bytes:
    """The report as an XML file in UTF-8. Characters that XML cannot hold are shown as Python's escapes."""
    judged = [v for v in report.verdicts if v.status != "disputed"]
    skipped = sum(v.status in LEFT for v in judged)
    counts = {"tests": len(judged), "failures": len(report.failures), "errors": 0, "skipped": skipped}
    numbers = {name: str(n) for name, n in counts.items()} | {"time": f"{report.seconds:.3f}"}
    root = ET.Element("testsuites", {"name": "backproof", **numbers})
    suite = ET.SubElement(root, "testsuite", {"name": fit(report.title), **numbers})
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report):
        ET.SubElement(properties, "property", {"name": fit(name), "value": fit(value)})
    for verdict in judged:
        _test_case(suite, verdict, report)
    disputed = report.of_status("disputed")
    if disputed:
        ET.SubElement(suite, "system-out").text = fit("\n".join(map(str, disputed)))
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def fit(text: str) -> str:
    """The text with what XML cannot hold as Python escapes it."""
    return UNFIT.sub(lambda found: ascii(found[0])[1:-1], text)


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    yield "seed", str(report.seed)
    yield "device", report.device
    yield "cases", str(report.cases)
    if report.command:
        yield "command", report.command
    yield from ((f"version.{name}", version) for name, version in report.versions.items())
    yield from (("note", note) for note in report.notes)


def _test_case(suite: ET.Element, verdict: Verdict, report: Report) -> None:
    who = "/".join(filter(None, (verdict.op, verdict.layer)))
    name = "-".join(filter(None, (verdict.check, verdict.dtype, verdict.oracle)))
    where = {}
    if report.place is not None:
        file = report.place.within(os.getcwd()) or report.place.file
        where = {"file": fit(file), "line": str(report.place.line)}
    case = ET.SubElement(suite, "testcase", {"classname": fit(who), "name": fit(name), **where})
    if verdict.status == "failed":
        cause = verdict.cause or verdict.message.partition("\n")[0]
        failure = ET.SubElement(case, "failure", {"message": fit(cause), "type": fit(verdict.check)})
        failure.text = fit("\n".join(filter(None, (str(verdict), verdict.snippet))))
    elif verdict.status in LEFT:
        reason = f"expected to fail: {verdict.message}" if verdict.status == "xfailed" else verdict.message
        ET.SubElement(case, "skipped", {"message": fit(reason)})

"""Judges what a hostile request did: to its own answer, to the logs, to the processes, to somebody else.

A finding is a fault of the platform; a refusal of what was sent is none. Every check is a plain function of what was
seen, so that tests can plant each fault and see it found.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

ANSWER_SECONDS_MAX: Final = 12.0
"""A command whose outcome is unknown is answered after 8 seconds; nothing takes longer."""
INNOCENT_SECONDS_MAX: Final = 5.0
FAULT_CODES: Final = frozenset({"INTERNAL_ERROR", "OUTCOME_UNKNOWN", "STORE_UNAVAILABLE", "DATABASE_UNAVAILABLE"})
"""Codes that blame the platform, none of whose servers is away."""
CLOSE_CODES: Final = frozenset(
    {1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 4401, 4403, 4404, 4408, 4413, 4429}
)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]+")
_TRACE: Final = re.compile(
    r"Traceback \(most recent call last\)|^thread '.*' panicked|Segmentation fault", re.MULTILINE
)


class Answer(NamedTuple):
    """What came back over HTTP; status 0 when the connection was closed without an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class Finding(NamedTuple):
    """A fault, and what to send again to see it."""

    case: str
    sent: str
    fault: str

    def __str__(self) -> str:
        return f"{self.case}: {self.fault}\n    sent: {self.sent}"


@dataclass(slots=True)
class Judge:
    """Collects the findings of a run, the figures beside them included."""

    findings: list[Finding] = field(default_factory=list)
    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, tuple[float, str]] = field(default_factory=dict)

    def find(self, case: str, sent: str, faults: Iterable[str]) -> None:
        """Note the faults of a case."""
        self.findings += [Finding(case, sent[:300], fault) for fault in faults]

    def answer(self, *, way: str, case: str, sent: str, path: str, answer: Answer, may_be_cut: bool = False) -> None:
        """Judge an answer over HTTP; `may_be_cut` where no answer is owed, as to half a request."""
        self.statuses[f"{way} {answer.status or 'cut'}"] += 1
        if answer.seconds > self.slowest.get(way, (-1.0, ""))[0]:
            self.slowest[way] = (answer.seconds, f"{case} {sent[:80]}")
        self.find(case, sent, faults_of_answer(path, answer, may_be_cut=may_be_cut))

    def closed(self, *, way: str, case: str, sent: str, code: int) -> None:
        """Judge the code that a socket was closed with."""
        self.statuses[f"{way} {code}"] += 1
        if code not in CLOSE_CODES:
            self.find(case, sent, [f"the socket was closed with {code}"])


def faults_of_answer(path: str, answer: Answer, *, may_be_cut: bool = False) -> list[str]:
    """Return what an answer over HTTP shows of faults of the platform."""
    status, body = answer.status, answer.body
    faults = []
    if status == 0 and not may_be_cut:
        faults.append("the connection was closed without an answer")
    if status >= 500 and not (status == 503 and "retry-after" in answer.headers):
        faults.append(f"answered {status}: {body[:300]!r}")
    if answer.seconds > ANSWER_SECONDS_MAX:
        faults.append(f"answered after {answer.seconds:.1f} s, more than {ANSWER_SECONDS_MAX:g}")
    if b"Traceback" in body:
        faults.append("the answer shows a traceback")
    if status:
        faults += _faults_of_graphql(body) if path == "/graphql" else _faults_of_problem(path, answer)
    return faults


def _faults_of_graphql(body: bytes) -> list[str]:
    try:
        answered = json.loads(body)
    except ValueError:
        return [] if body.lstrip()[:1] in (b"<", b"") else [f"the answer of GraphQL is not JSON: {body[:80]!r}"]
    if not isinstance(answered, dict):
        return [f"the answer of GraphQL is not an object: {body[:80]!r}"]
    found = [error.get("extensions", {}).get("code") for error in answered.get("errors") or ()]
    for data in (answered.get("data") or {}).values() if isinstance(answered.get("data"), dict) else ():
        if isinstance(data, dict) and isinstance(data.get("outcomes"), list):
            found += [outcome["code"] for outcome in data["outcomes"] if "code" in outcome]
    return [f"answered with {code}: {body[:300]!r}" for code in {str(code) for code in found} if _is_fault(code)]


def _is_fault(code: str) -> bool:
    return code in FAULT_CODES or not _CODE.fullmatch(code)


def _faults_of_problem(path: str, answer: Answer) -> list[str]:
    """An error under /api/ is a problem with a stable code, whoever refused it."""
    if not path.startswith("/api/") or answer.status < 400 or not answer.body:
        return []
    kind = answer.headers.get("content-type", "")
    if "problem+json" not in kind:
        return [f"an error of the API is {kind!r} instead of a problem: {answer.status} {answer.body[:100]!r}"]
    try:
        code = json.loads(answer.body)["code"]
    except (ValueError, KeyError, TypeError):
        return [f"a problem without a code: {answer.body[:100]!r}"]
    return [f"answered with {code}"] if _is_fault(str(code)) or code == "ERROR" else []


def faults_of_log(name: str, text: str, secrets: Iterable[str]) -> list[str]:
    """Return what a process wrote that it should not have."""
    faults = []
    trace = _TRACE.search(text)
    if trace is not None:
        faults.append(f"{name}.log has a traceback: ...{_around(text, trace.start())}")
    faults += [f"{name}.log holds a secret ({len(secret)} characters)" for secret in secrets if secret in text]
    return faults


def _around(text: str, start: int) -> str:
    """Return the line before a traceback, and its end."""
    before = text[:start].rstrip().rpartition("\n")[2][-300:]
    trace = re.split(r"\n(?=\d{4}-\d\d-\d\dT)", text[start : start + 20_000])[0]
    return f"{before}\n{trace[-1_500:]}"


def faults_of_processes(before: Mapping[str, frozenset[int]], now: Mapping[str, frozenset[int]]) -> list[str]:
    """Return which processes ended; one that was started again ended as well."""
    return [
        f"of {name} ended: {sorted(pids - now.get(name, frozenset()))}"
        for name, pids in before.items()
        if not pids <= now.get(name, frozenset())
    ]


def faults_of_innocent(seconds: list[float], errors: list[str]) -> list[str]:
    """Return what somebody noticed who only used the platform meanwhile."""
    faults = [f"an innocent client was answered with an error: {error}" for error in errors[:5]]
    if not seconds:
        faults.append("an innocent client had no answer at all")
    elif max(seconds) > INNOCENT_SECONDS_MAX:
        faults.append(f"an innocent client waited {max(seconds):.1f} s, more than {INNOCENT_SECONDS_MAX:g}")
    return faults


class Logs:
    """What the processes have written since the last look."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {path: path.stat().st_size for path in folder.glob("*.log")}

    def news(self) -> dict[str, str]:
        """Return what is new by the name of the process."""
        found = {}
        for path in sorted(self._folder.glob("*.log")):
            with path.open("rb") as log:
                log.seek(self._read.get(path, 0))
                new = log.read()
            self._read[path] = self._read.get(path, 0) + len(new)
            if new:
                found[path.stem] = new.decode(errors="replace")
        return found

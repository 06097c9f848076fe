#!/usr/bin/env python3
"""Check a proof that the platform exported, without the platform: one file, nothing but Python 3.11 or later.

An *event proof* shows that one event, byte for byte, is in a journal whose state was signed. A *consistency proof*
shows that the journal of an older signed checkpoint is the beginning of the journal of a newer one: nothing that was
recorded before was changed, removed or inserted. Formats: docs/integrity.md of the platform. It reads one file, writes
to standard output, and uses no network.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

Point = tuple[int, int, int, int]
Say = Callable[[str], object]
Pinned = Callable[[bytes], None]

EVENT_PROOF = "event-store/event-proof"
CONSISTENCY_PROOF = "event-store/consistency-proof"
HEADER_FIELDS = (
    "aggregate_id", "first_version", "timestamp", "command_id", "correlation_id", "causation_id", "actor", "metadata",
)  # fmt: skip
BATCH_FIELDS = (
    "format", "partition", "seq", "batch_id", "first_timestamp", "last_timestamp", "commit_count", "event_count",
    "previous_hash", "merkle_root", "payload_hash",
)  # fmt: skip
BATCH_HEX_FIELDS = ("batch_id", "previous_hash", "merkle_root", "payload_hash")
STATEMENT_FIELDS = ("format", "store_id", "number", "made_at", "key_id", "previous_hash", "partitions")


class Rejected(Exception):
    """The proof does not prove what it says; the text says why."""


# Ed25519: verification as in RFC 8032 section 5.1.7, points in extended coordinates (X, Y, Z, T).

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(scalar: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point, scalar = _add(point, point), scalar >> 1
    return result


def _compress(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decompress(data: bytes) -> Point | None:
    """Return the point that 32 bytes stand for, or None."""
    number = int.from_bytes(data, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = _decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 1, 1, 0)


def ed25519_verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature of 64 bytes is that of a message under a public key of 32 bytes."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    point, scalar = _decompress(public_key), int.from_bytes(signature[32:], "little")
    if point is None or scalar >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    negated = (P - point[0], point[1], point[2], P - point[3])
    return _compress(_add(_times(scalar, BASE), _times(challenge, negated))) == signature[:32]


# MessagePack: https://github.com/msgpack/msgpack/blob/master/spec.md


def unpack(data: bytes) -> Any:
    """Return the one value that MessagePack bytes hold; raises Rejected. What JSON has no form for becomes a map:
    {"base64": ...} for bytes, {"extension": code, "base64": ...}, {"float": "nan"}, {"map": [[key, value], ...]}.
    """
    try:
        value, end = _unpack_at(data, 0)
    except (IndexError, struct.error, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(f"the bytes are not MessagePack ({error})") from error
    if end != len(data):
        raise Rejected("the bytes hold more than one value")
    return value


_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h",
            0xD2: ">i", 0xD3: ">q"}  # fmt: skip
_SIZED = {0xC4: ("bytes", 1), 0xC5: ("bytes", 2), 0xC6: ("bytes", 4), 0xC7: ("ext", 1), 0xC8: ("ext", 2),
          0xC9: ("ext", 4), 0xD9: ("text", 1), 0xDA: ("text", 2), 0xDB: ("text", 4), 0xDC: ("array", 2),
          0xDD: ("array", 4), 0xDE: ("map", 2), 0xDF: ("map", 4)}  # fmt: skip


def _unpack_at(data: bytes, at: int) -> tuple[Any, int]:
    first, at = data[at], at + 1
    if first <= 0x7F:
        return first, at
    if first >= 0xE0:
        return first - 0x100, at
    if first in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[first], at
    if first in _NUMBERS:
        (number,) = struct.unpack_from(_NUMBERS[first], data, at)
        if number != number or number in (float("inf"), float("-inf")):
            return {"float": str(number)}, at + struct.calcsize(_NUMBERS[first])
        return number, at + struct.calcsize(_NUMBERS[first])
    if first <= 0x8F:
        kind, size = "map", first & 0x0F
    elif first <= 0x9F:
        kind, size = "array", first & 0x0F
    elif first <= 0xBF:
        kind, size = "text", first & 0x1F
    elif 0xD4 <= first <= 0xD8:
        kind, size = "ext", 1 << (first - 0xD4)
    elif first in _SIZED:
        kind, width = _SIZED[first]
        size, at = int.from_bytes(_take(data, at, width), "big"), at + width
    else:
        raise Rejected(f"the bytes are not MessagePack (0x{first:02x} begins no value)")
    return _unpack_sized(data, at, kind, size)


def _unpack_sized(data: bytes, at: int, kind: str, size: int) -> tuple[Any, int]:
    if kind == "text":
        return _take(data, at, size).decode("utf-8"), at + size
    if kind == "bytes":
        return {"base64": to_base64(_take(data, at, size))}, at + size
    if kind == "ext":
        (code,) = struct.unpack_from(">b", data, at)
        return {"extension": code, "base64": to_base64(_take(data, at + 1, size))}, at + 1 + size
    items = []
    for _ in range(size * (2 if kind == "map" else 1)):
        item, at = _unpack_at(data, at)
        items.append(item)
    if kind == "array":
        return items, at
    keys, values = items[::2], items[1::2]
    if all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys):
        return dict(zip(keys, values, strict=True)), at
    return {"map": [list(pair) for pair in zip(keys, values, strict=True)]}, at


def _take(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise IndexError("the bytes end too soon")
    return data[at : at + size]


def pack(value: Any) -> bytes:
    """Return the MessagePack bytes of a list of whole numbers, texts and bytes, each in its shortest form."""
    if isinstance(value, list):
        return bytes([0x90 | len(value)]) + b"".join(pack(item) for item in value)
    if isinstance(value, bytes):
        return b"\xc4" + bytes([len(value)]) + value
    if isinstance(value, str):
        text = value.encode()
        return (bytes([0xA0 | len(text)]) if len(text) < 32 else b"\xd9" + bytes([len(text)])) + text
    for limit, form in ((0x80, ">B"), (1 << 8, ">xB"), (1 << 16, ">xH"), (1 << 32, ">xI"), (1 << 64, ">xQ")):
        if value < limit:
            mark = {">B": b"", ">xB": b"\xcc", ">xH": b"\xcd", ">xI": b"\xce", ">xQ": b"\xcf"}[form]
            return mark + struct.pack(form.replace("x", ""), value)
    raise Rejected(f"{value} is too large a number")


# Hashes and Merkle trees: RFC 9162 sections 2.1.3.2 and 2.1.4.2.


def sha256(*parts: bytes) -> bytes:
    """Hash bytes that follow one another."""
    return hashlib.sha256(b"".join(parts)).digest()


EMPTY_ROOT = sha256()


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a path leads to from a leaf hash, or None when it fits no tree of this size."""
    if not 0 <= index < size:
        return None
    last, found = size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            found = sha256(b"\x01", sibling, found)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            found = sha256(b"\x01", found, sibling)
        index, last = index >> 1, last >> 1
    return found if last == 0 else None


def is_consistent(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Return whether a path proves that the tree of the old size is the beginning of the new one."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size in (0, new_size):
        return not path and old_root == (new_root if old_size == new_size else EMPTY_ROOT)
    steps = list(path) if old_size & (old_size - 1) else [old_root, *path]
    if not steps:
        return False
    index, last = old_size - 1, new_size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old_found = new_found = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            old_found, new_found = sha256(b"\x01", step, old_found), sha256(b"\x01", step, new_found)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            new_found = sha256(b"\x01", new_found, step)
        index, last = index >> 1, last >> 1
    return last == 0 and old_found == old_root and new_found == new_root


def event_id(leaf: bytes) -> str:
    """Return the id of the event with this leaf hash: its first 122 bits as a UUID version 8."""
    digits = leaf[:16].hex()
    variant = "89ab"[leaf[8] >> 4 & 3]
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


# Reading JSON strictly: every value has exactly one form, so nothing can be altered without being seen.


def members(value: Any, names: Iterable[str], what: str) -> dict[str, Any]:
    """Return a map that has exactly these members; raises Rejected."""
    if not isinstance(value, dict) or set(value) != set(names):
        found = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise Rejected("{} should have {}, found {}".format(what, ", ".join(names), found))
    return value


def number(value: Any, what: str) -> int:
    """Return a whole number of at most 64 bits; raises Rejected."""
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise Rejected(f"{what} should be a whole number, found {value!r}")
    return value


def text(value: Any, what: str) -> str:
    """Return a text; raises Rejected."""
    if not isinstance(value, str):
        raise Rejected(f"{what} should be a text, found {value!r}")
    return value


def from_hex(value: Any, size: int, what: str) -> bytes:
    """Return so many bytes from lower-case hex; raises Rejected."""
    try:
        found = bytes.fromhex(text(value, what))
    except ValueError as error:
        raise Rejected(f"{what} is not hex: {value!r}") from error
    if len(found) != size or found.hex() != value:
        raise Rejected(f"{what} should be {size} bytes in lower-case hex, found {value!r}")
    return found


def from_base64(value: Any, what: str) -> bytes:
    """Return the bytes of a base64 text; raises Rejected."""
    try:
        found = base64.b64decode(text(value, what), validate=True)
    except ValueError as error:
        raise Rejected(f"{what} is not base64") from error
    if to_base64(found) != value:
        raise Rejected(f"{what} is not base64 in its one form")
    return found


def to_base64(data: bytes) -> str:
    """Return bytes as base64."""
    return base64.b64encode(data).decode()


def path_of(value: Any, what: str) -> list[bytes]:
    """Return the hashes of a path; raises Rejected."""
    if not isinstance(value, list):
        raise Rejected(f"{what} should be a list")
    return [from_hex(step, 32, what) for step in value]


def canonical(value: Any) -> str:
    """Return the one form of a JSON value, which tells 1, 1.0 and true apart."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


# The checks.


def check_checkpoint(checkpoint: Any, pinned: Pinned, say: Say) -> dict[str, Any]:
    """Check shape and signature of a checkpoint; return its statement. `pinned` is a function of the public key."""
    members(checkpoint, ("statement", "signature", "public_key"), "a checkpoint")
    statement = members(checkpoint["statement"], STATEMENT_FIELDS, "a checkpoint's statement")
    if statement["format"] != 1:
        raise Rejected(
            "checkpoint format {!r} is not 1: use the verifier of a later release".format(statement["format"])
        )
    for name in ("format", "number", "made_at"):
        number(statement[name], name)
    for name in ("store_id", "key_id"):
        text(statement[name], name)
    from_hex(statement["previous_hash"], 32, "previous_hash")
    if not isinstance(statement["partitions"], list) or not statement["partitions"]:
        raise Rejected("a checkpoint names every partition, found {!r}".format(statement["partitions"]))
    for place, head in enumerate(statement["partitions"]):
        members(head, ("partition", "seq", "hash", "root"), "a partition of the checkpoint")
        if number(head["partition"], "partition") != place:
            raise Rejected("the checkpoint does not name every partition once, in order")
        number(head["seq"], "seq")
        from_hex(head["hash"], 32, "hash")
        from_hex(head["root"], 32, "root")
    public_key = from_hex(checkpoint["public_key"], 32, "public_key")
    if sha256(public_key).hex()[:16] != statement["key_id"]:
        raise Rejected("the checkpoint names key {} and carries another".format(statement["key_id"]))
    pinned(public_key)
    message = b"event-store checkpoint\n" + canonical(statement).encode()
    if not ed25519_verify(public_key, message, from_hex(checkpoint["signature"], 64, "signature")):
        raise Rejected(f"the signature of checkpoint {statement['number']} is not valid")
    made = f"made {shown_time(statement['made_at'])}"
    say(
        f"checkpoint {statement['number']} of store {statement['store_id']}, {made}, is signed by {statement['key_id']}"
    )
    return statement


def shown_time(microseconds: int) -> str:
    """Return an instant for people."""
    try:
        return datetime.fromtimestamp(microseconds // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{microseconds} microseconds after 1970"


def check_event(event: Any) -> tuple[bytes, str]:
    """Check that the readable form of an event equals its bytes; return its leaf hash and its aggregate's id."""
    names = ("aggregate_id", "version", "event_id", "index_in_commit", "header", "header_base64", "type", "fields",
             "event_base64")  # fmt: skip
    members(event, names, "the event")
    header = from_base64(event["header_base64"], "header_base64")
    body = from_base64(event["event_base64"], "event_base64")
    index = number(event["index_in_commit"], "index_in_commit")
    found = unpack(header)
    if not isinstance(found, list) or len(found) != len(HEADER_FIELDS):
        raise Rejected(f"the header's bytes are not an array of {len(HEADER_FIELDS)}")
    decoded = dict(zip(HEADER_FIELDS, found, strict=True))
    if canonical(event["header"]) != canonical(decoded):
        raise Rejected("the readable header is not what the hashed bytes say")
    values = unpack(body)
    if not isinstance(values, list) or not values or not isinstance(values[0], str):
        raise Rejected("the event's bytes are not an array that begins with a type")
    if not isinstance(event["fields"], dict) or event["type"] != values[0]:
        raise Rejected("the readable event is not of the type that the hashed bytes say")
    if canonical(list(event["fields"].values())) != canonical(values[1:]):
        raise Rejected("the readable fields are not what the hashed bytes say")
    for name in ("first_version", "timestamp"):
        number(decoded[name], name)
    for name in ("aggregate_id", "actor"):
        text(decoded[name], name)
    leaf = sha256(b"\x00", header, index.to_bytes(4, "big"), body)
    if event["event_id"] != event_id(leaf):
        raise Rejected("the event's id is not that of its bytes")
    if event["aggregate_id"] != decoded["aggregate_id"]:
        raise Rejected("the event is of another aggregate than the hashed bytes say")
    if number(event["version"], "version") != decoded["first_version"] + index:
        raise Rejected("the event has another version than the hashed bytes say")
    return leaf, text(event["aggregate_id"], "aggregate_id")


def check_batch(batch: Any, leaf: bytes) -> bytes:
    """Check the path from an event to its batch; return the batch's hash."""
    members(batch, (*BATCH_FIELDS, "hash", "event_index", "event_path"), "the batch")
    for name in BATCH_FIELDS:
        if name not in BATCH_HEX_FIELDS:
            number(batch[name], name)
    values = [
        from_hex(batch[name], 16 if name == "batch_id" else 32, name) if name in BATCH_HEX_FIELDS else batch[name]
        for name in BATCH_FIELDS
    ]
    index, path = number(batch["event_index"], "event_index"), path_of(batch["event_path"], "event_path")
    root = root_of_inclusion(leaf, index, batch["event_count"], path)
    if root is None or root.hex() != batch["merkle_root"]:
        raise Rejected("the event is not in the batch: its path does not lead to the Merkle root")
    found = sha256(b"\x02", pack(values))
    if found != from_hex(batch["hash"], 32, "hash"):
        raise Rejected("the batch's hash is not that of its header")
    return found


def verify_event_proof(proof: Any, pinned: Pinned, say: Say) -> None:
    """Check an event proof; raises Rejected."""
    members(proof, ("kind", "format", "event", "batch", "batch_path", "checkpoint"), "an event proof")
    leaf, aggregate_id = check_event(proof["event"])
    event, batch = proof["event"], proof["batch"]
    say(f"the readable form of {aggregate_id}, version {event['version']}, equals the bytes that are hashed")
    found = check_batch(batch, leaf)
    say(f"the event is number {batch['event_index'] + 1} of the {batch['event_count']} of its batch")
    statement = check_checkpoint(proof["checkpoint"], pinned, say)
    heads, partition, seq = statement["partitions"], batch["partition"], batch["seq"]
    if partition != zlib.crc32(aggregate_id.encode()) % len(heads):
        raise Rejected(f"aggregate {aggregate_id} does not belong to partition {partition}")
    head = heads[partition]
    root = root_of_inclusion(found, seq - 1, head["seq"], path_of(proof["batch_path"], "batch_path"))
    if root is None or root.hex() != head["root"]:
        raise Rejected("the batch is not in the checkpoint: its path does not lead to the signed root")
    genesis = sha256(b"\x03", pack([batch["format"], statement["store_id"], partition]))
    if seq == 1 and batch["previous_hash"] != genesis.hex():
        raise Rejected("the first batch does not begin the chain of this store and partition")
    say(f"the batch is number {seq} of the {head['seq']} that the checkpoint names for partition {partition}")
    header = event["header"]
    kind = str(event["type"]).partition("@")[0]
    say(f"proven: this {kind} was recorded at {shown_time(header['timestamp'])} by {header['actor']}")


def verify_consistency_proof(proof: Any, pinned: Pinned, say: Say) -> None:
    """Check a consistency proof; raises Rejected."""
    members(proof, ("kind", "format", "from", "to", "partition_paths"), "a consistency proof")
    old, new = check_checkpoint(proof["from"], pinned, say), check_checkpoint(proof["to"], pinned, say)
    paths = proof["partition_paths"]
    if old["store_id"] != new["store_id"]:
        raise Rejected("the checkpoints are of different stores")
    if old["number"] >= new["number"] or old["made_at"] > new["made_at"]:
        raise Rejected("the first checkpoint is not older than the second")
    if not isinstance(paths, list) or not len(paths) == len(old["partitions"]) == len(new["partitions"]):
        raise Rejected("there is not one path for each partition")
    for before, after, path in zip(old["partitions"], new["partitions"], paths, strict=True):
        steps = path_of(path, "partition_paths")
        roots = (from_hex(before["root"], 32, "root"), from_hex(after["root"], 32, "root"))
        if not is_consistent(before["seq"], roots[0], after["seq"], roots[1], steps):
            raise Rejected(f"partition {before['partition']} does not continue what the older checkpoint names")
        if before["seq"] == after["seq"] and before["hash"] != after["hash"]:
            raise Rejected(f"partition {before['partition']} has the same length and another head")
    grown = sum(head["seq"] for head in new["partitions"]) - sum(head["seq"] for head in old["partitions"])
    say(f"every one of {len(paths)} partitions continues what the older checkpoint names; {grown} batches were added")
    say(f"proven: nothing recorded up to checkpoint {old['number']} was changed by checkpoint {new['number']}")


def verify(proof: Any, pinned: Pinned, say: Say) -> None:
    """Check a proof of either kind; raises Rejected."""
    kinds = {EVENT_PROOF: verify_event_proof, CONSISTENCY_PROOF: verify_consistency_proof}
    if not isinstance(proof, dict) or not isinstance(proof.get("kind"), str) or proof["kind"] not in kinds:
        raise Rejected("this is not a proof: expected a kind of {}".format(" or ".join(kinds)))
    if type(proof.get("format")) is not int or proof["format"] != 1:
        raise Rejected("proof format {!r} is not 1: use the verifier of a later release".format(proof.get("format")))
    kinds[proof["kind"]](proof, pinned, say)


# The command line.


def read_public_key(argument: str) -> bytes:
    """Return the raw public key that an argument gives: 64 hex digits, or a PEM file."""
    try:
        if len(argument) == 64:
            return bytes.fromhex(argument)
        with open(argument, encoding="ascii") as file:
            lines = [line.strip() for line in file if line.strip() and not line.startswith("-----")]
        found = base64.b64decode("".join(lines), validate=True)
    except (ValueError, OSError) as error:
        raise WrongCall(f"the public key {argument} cannot be read: {error}") from error
    prefix = bytes.fromhex("302a300506032b6570032100")  # The DER of an Ed25519 public key before its 32 bytes.
    if len(found) != 44 or found[:12] != prefix:
        raise WrongCall(f"{argument} is not an Ed25519 public key in PEM")
    return found[12:]


class WrongCall(Exception):
    """The call itself is wrong: nothing was checked."""


def pin(public_keys: Sequence[bytes], key_ids: Sequence[str]) -> Pinned:
    """Return a function that raises Rejected for a public key that is not one of these; without any, accepts all."""

    def pinned(public_key: bytes) -> None:
        found = sha256(public_key).hex()[:16]
        if (public_keys or key_ids) and public_key not in public_keys and found not in key_ids:
            raise Rejected(f"it is signed with key {found}, which is not the one that you trust")

    return pinned


def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse JSON in which a name occurs twice: readers would differ in what they see."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise Rejected("a name occurs twice in one object")
    return dict(pairs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the proof that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(
        description="Check a proof that the platform exported. Exit codes: 0 proven, 1 rejected, 2 wrong call.",
    )
    parser.add_argument("proof", help="the proof, a JSON file")
    parser.add_argument("--public-key", action="append", default=[], metavar="KEY",
                        help="a key that you trust: PEM file or 64 hex digits (may be repeated)")  # fmt: skip
    parser.add_argument("--key-id", action="append", default=[], metavar="ID",
                        help="the id of a key that you trust: 16 hex digits (may be repeated)")  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        pinned = pin([read_public_key(key) for key in options.public_key], [key.lower() for key in options.key_id])
        with open(options.proof, encoding="utf-8") as file:
            source = file.read()
    except (WrongCall, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"nothing was checked: {error}\n")
        return 2
    try:
        proof = json.loads(source, object_pairs_hook=no_duplicates)
        verify(proof, pinned, lambda line: sys.stdout.write(f"ok: {line}\n"))
    except Rejected as error:
        sys.stdout.write(f"REJECTED: {error}\n")
        return 1
    except (ValueError, RecursionError) as error:
        sys.stdout.write(f"REJECTED: the file is not JSON that can be read ({error})\n")
        return 1
    if not options.public_key and not options.key_id:
        sys.stdout.write(
            "note: the key is the one inside the proof. Give --public-key or --key-id to trust nobody's word\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

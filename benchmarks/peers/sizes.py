"""Bytes per trade event in formats that others use: plain JSON, and Avro object container files.

JSON is what `benchmarks/store.py` compares with: header and fields by name, each event on its own. Avro has a schema
written by hand from the same fields, names in the schema only, in one file whose blocks hold 1, 100, 1,000 or 5,000
events, compressed block by block with deflate or zstandard; each file is read back and compared with what went in.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, Final

import fastavro
import msgspec
from fastavro.write import Writer

from benchmarks.measure import Figure
from benchmarks.peers.trade_data import Trade

BLOCK_SIZES: Final = (1, 100, 1_000, 5_000)
CODECS: Final = ("deflate", "zstandard")
BLOCK_BYTES_MAX: Final = 2**31 - 1
"""Large enough that only `flush` ends a block."""

_OPTIONAL: Final = ["null", "string"]
_LONGS: Final = (
    "value",
    "fee",
    "cash_after",
    "position_quantity",
    "position_cost",
    "position_realized_pnl",
    "realized_pnl",
    "total_realized_pnl",
    "total_fees",
    "positions_cost",
    "portfolio_value",
    "trade_count",
    "day",
    "day_volume",
    "day_trades",
    "day_realized_pnl",
)
SCHEMA: Final = fastavro.parse_schema(
    {
        "type": "record",
        "name": "TradeExecuted",
        "fields": [
            {"name": "aggregate_id", "type": "string"},
            {"name": "version", "type": "long"},
            {"name": "timestamp", "type": "long"},
            {"name": "command_id", "type": "string"},
            {"name": "correlation_id", "type": _OPTIONAL},
            {"name": "causation_id", "type": _OPTIONAL},
            {"name": "actor", "type": "string"},
            {"name": "symbol", "type": "string"},
            {"name": "side", "type": {"type": "enum", "name": "Side", "symbols": ["BUY", "SELL"]}},
            {"name": "quantity", "type": "long"},
            {"name": "price", "type": "long"},
            {"name": "order_id", "type": _OPTIONAL},
            *({"name": name, "type": "long"} for name in _LONGS),
        ],
    }
)


def run(trades: Sequence[Trade]) -> Iterator[Figure]:
    """Measure; a figure for JSON and one for each codec and block size."""
    plain = sum(len(plain_json(trade)) for trade in trades) / len(trades)
    yield Figure("store.peer.json_bytes_per_event", plain, "bytes", f"{len(trades):,} trades, each on its own, by name")
    records = [record_of(trade) for trade in trades]
    for codec in CODECS:
        for size in BLOCK_SIZES:
            found = len(container(records, codec=codec, block_size=size)) / len(records)
            note = (
                f"{len(records):,} trades in one file, {size:,} a block, schema included; {found / plain:.3f} of JSON"
            )
            yield Figure(f"store.peer.avro_{codec}_{size}_bytes_per_event", found, "bytes", note)


def plain_json(trade: Trade) -> bytes:
    """Return a trade as JSON in the shape that benchmarks/store.py takes as plain: header, type, data."""
    header = {
        "aggregate_id": trade.account_id,
        "first_version": trade.version,
        "timestamp": trade.timestamp,
        "command_id": trade.command_id,
        "correlation_id": trade.correlation_id,
        "causation_id": trade.causation_id,
        "actor": trade.actor,
        "metadata": None,
    }
    return msgspec.json.encode({**header, "type": "TradeExecuted", "data": _fields(trade)})


def record_of(trade: Trade) -> dict[str, Any]:
    """Return a trade as the record that the schema describes."""
    header = {name: getattr(trade, name) for name in trade.__struct_fields__ if name not in ("account_id", "executed")}
    return {"aggregate_id": trade.account_id, **header, **_fields(trade)}


def container(records: Sequence[dict[str, Any]], *, codec: str, block_size: int) -> bytes:
    """Return records as an Avro object container file with so many in each block; read back before it is trusted."""
    file = BytesIO()
    writer = Writer(file, SCHEMA, codec=codec, sync_interval=BLOCK_BYTES_MAX)
    for number, record in enumerate(records, start=1):
        writer.write(record)
        if number % block_size == 0:
            writer.flush()
    writer.flush()
    file.seek(0)
    blocks = [block.num_records for block in fastavro.block_reader(file)]
    file.seek(0)
    expected = [min(block_size, len(records) - start) for start in range(0, len(records), block_size)]
    assert blocks == expected, f"blocks of {block_size} events were asked for and {blocks[:3]} ... were written"
    assert list(fastavro.reader(file)) == list(records), "the file does not hold what was written to it"
    return file.getvalue()


def _fields(trade: Trade) -> dict[str, Any]:
    return {name: getattr(trade.executed, name) for name in trade.executed.__struct_fields__}

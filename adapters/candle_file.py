"""The candles of the last day, kept in the data directory: without them nobody knows for hours how a market moves."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from loguru import logger

from adapters.whole_file import write_whole
from messages.candles import CandleHistory
from messages.values import Symbol, Venue


class CandleFiles:
    """One file a venue in ``data_dir``; satisfies ``CandleKeeper``.

    They can be measured again, and are no record: a file that cannot be read or written is told in the log, and what it
    would have had is missing until enough quarters have passed.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def load(self, venue: Venue) -> Mapping[Symbol, CandleHistory]:
        """What was saved last; nothing where nothing was, or where it cannot be read."""
        path = self._path(venue)
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[Symbol, CandleHistory])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            logger.warning("{} cannot be read, and candles are collected anew: {}", path, error)
            return {}

    def save(self, venue: Venue, histories: Mapping[Symbol, CandleHistory]) -> None:
        """Keep ``histories`` in place of those before."""
        path = self._path(venue)
        try:
            write_whole(path, msgspec.json.encode(histories))
        except OSError as error:
            logger.warning("{} cannot be written, after a restart candles would be collected anew: {}", path, error)

    def _path(self, venue: Venue) -> Path:
        return self._data_dir / f"candles-{venue}.json"

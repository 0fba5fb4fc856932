"""Everything that knows the outside's spelling: venues, streams, the simulated exchange, recorded data."""

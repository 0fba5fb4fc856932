"""A simulated exchange: the ``paper`` venue, and the venue behind the wire dialects.

``engine`` is the venue's truth (orders, positions, margin, prices) and knows no threads and no transport; ``paper``
is the transport in front of it for one process: delays, faults, streams, durable state. ``ledger`` is kept by the
venue and judges its clients.

**Invariant:** imports messages only; the engine is told the time and never reads a clock.
"""

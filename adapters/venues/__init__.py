"""Real venues over ccxt's sync classes: the only place that knows how each one spells things in REST.

May block: everything here runs on the worker threads of :class:`~adapters.venues.threaded_calls.ThreadedCalls`.
"""

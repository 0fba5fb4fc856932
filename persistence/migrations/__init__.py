"""The schema's history, run by :mod:`persistence.migrate`."""

"""Pure decisions: values in, values out.

**Invariant:** imports messages only; no clock, no input or output, no logging, no randomness, no float for money.
Each file numbers its invariants in its header, and its test file has a property test of the same number and wording.
"""

"""Randomness without state: the same numbers give the same noise, on every machine and after every restart.

A generator with state would have to be persisted with each draw; a hash of (seed, subject, counter) needs no memory.
"""

import zlib

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def noise(*parts: int) -> int:
    """64 well-mixed bits of ``parts`` (the finaliser of splitmix64, Steele et al. 2014, chained)."""
    value = 0
    for part in parts:
        value = (value + _GOLDEN + (part & _MASK)) & _MASK
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
        value ^= value >> 31
    return value


def unit_noise(*parts: int) -> float:
    """A number in [0, 1)."""
    return (noise(*parts) >> 11) / (1 << 53)


def bell_noise(*parts: int) -> float:
    """A number with mean 0 and variance 1, near to normal: the sum of four 16-bit uniforms (Irwin-Hall).

    Only exact IEEE operations are used, so that no platform's libm can change a price.
    """
    bits = noise(*parts)
    total = (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48)
    # Variance of one uniform is 1/12; of four 1/3: divide by sqrt(1/3).
    return (total / 65536 - 2.0) * 1.7320508075688772


def subject_number(text: str) -> int:
    """A stable number for a name (``hash`` differs between processes)."""
    return zlib.crc32(text.encode("utf-8"))

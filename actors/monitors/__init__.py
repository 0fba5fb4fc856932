"""Actors that look at the whole from outside the positions: second pairs of eyes."""

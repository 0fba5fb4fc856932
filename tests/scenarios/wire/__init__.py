"""A world's exchange behind its venue's real dialect: our own adapters over real sockets, in virtual time."""

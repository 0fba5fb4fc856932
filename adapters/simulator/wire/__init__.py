"""The simulated exchange as a server: each venue's REST and WebSocket dialect in front of the one engine.

aiohttp runs on a thread of its own, and is the only event loop in the project.
"""

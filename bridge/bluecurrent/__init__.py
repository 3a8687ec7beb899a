"""The cloud's language: what it sends, what it takes, and the one websocket between.

`wire`, `frames`, `requests` and `correlation` are pure; `link` and `login` hold the sockets.
"""

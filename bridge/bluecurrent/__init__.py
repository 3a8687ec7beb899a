"""The cloud's language: what it sends, what it takes, and the one websocket between.

`link` and `login` hold the sockets, and `app_api` the app's side of the cloud. All the others are pure.
"""

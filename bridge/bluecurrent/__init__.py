"""The protocol of Blue Current's cloud: its frames, the requests, and the one websocket that carries them.

`link` and `login` own the sockets, and `app_api` calls the app's side of the cloud. All other modules are pure.
"""

"""Runs NHS England's mesh-sandbox on a port of this machine until the standard input is closed.

    python sandbox.py PORT

PORT 0 is a free one. Prints the port when the sandbox answers. The environment variables are the sandbox's.
"""

import os
import socket
import sys
import threading
import time

import uvicorn


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    server = uvicorn.Server(uvicorn.Config("mesh_sandbox.api:app", log_level="warning"))

    def watch():
        while not server.started:
            time.sleep(0.01)
        print(listener.getsockname()[1], flush=True)
        sys.stdin.read()
        # The messages are in memory: there is nothing to save.
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    server.run(sockets=[listener])


main()

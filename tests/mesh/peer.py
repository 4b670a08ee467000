"""The other mailbox, through NHS England's mesh-client.

    python peer.py URL MAILBOX send RECIPIENT WORKFLOW CHUNK GZIP COUNT FILE
    python peer.py URL MAILBOX receive FOLDER

`send` sends FILE, COUNT times, in chunks of CHUNK bytes, compressed if GZIP is `gzip`, and prints the identifiers. `receive`
writes each message into FOLDER, acknowledges it, and prints a line of JSON about it.
"""

import json
import os
import sys

from mesh_client import MeshClient


def main():
    url, mailbox, command, *rest = sys.argv[1:]
    with MeshClient(url, mailbox, "password", shared_key=b"TestKey") as client:
        client.handshake()
        if command == "send":
            recipient, workflow, chunk, gzip, count, path = rest
            for number in range(int(count)):
                with open(path, "rb") as file:
                    options = {"workflow_id": workflow, "local_id": f"peer-{number}", "filename": "response.csv"}
                    print(client.send_message(recipient, file, max_chunk_size=int(chunk), compress=gzip == "gzip", **options))
            return
        for message in client.iterate_all_messages():
            with message:
                size = 0
                with open(os.path.join(rest[0], message.id()), "wb") as file:
                    while block := message.read(1 << 20):
                        size += file.write(block)
                print(json.dumps({
                    "id": message.id(), "bytes": size, "chunks": message.mex_header("chunk-range"),
                    "local_id": message.local_id, "filename": message.filename, "workflow": message.workflow_id,
                    "sender": message.sender, "content_type": message.content_type,
                }))


main()

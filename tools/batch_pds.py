"""PDS behind a mailbox of MESH, for `batch.py`: NHS England's mesh-client takes requests and sends responses.

    python batch_pds.py URL FOLDER COMMAND...

Runs COMMAND with `--file REQUEST --out RESPONSE` for each request. Keeps the requests in FOLDER, and writes a line of JSON about
each into FOLDER/received. Ends with its standard input.
"""

import json
import os
import subprocess
import sys
import threading
import time

from mesh_client import MeshClient


def main():
    url, folder, *command = sys.argv[1:]
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    with MeshClient(url, "X26ABC2", "password", shared_key=b"TestKey") as client:
        client.handshake()
        print("ready", flush=True)
        while True:
            for message in client.iterate_all_messages():
                with message:
                    request = os.path.join(folder, f"{message.id()}.csv")
                    with open(request, "wb") as file:
                        while block := message.read(1 << 20):
                            file.write(block)
                    about = {"id": message.id(), "local_id": message.local_id, "sender": message.sender}
                    with open(os.path.join(folder, "received"), "a") as file:
                        file.write(json.dumps(about) + "\n")
                    response = request + ".response"
                    subprocess.run([*command, "--file", request, "--out", response], check=True, stdout=subprocess.DEVNULL)
                    with open(response, "rb") as file:
                        client.send_message(message.sender, file, workflow_id=message.workflow_id, max_chunk_size=100_000)
            time.sleep(0.05)


main()

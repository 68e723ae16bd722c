"""Run by test_offline.py where there is no network: a server, a graph, and where its film went.

Writes a line of JSON. Arguments: ComfyUI, a folder to work in, and the graph.
"""

import asyncio
import fcntl
import json
import socket
import struct
import sys
from pathlib import Path

IFF_UP_RUNNING = 0x41
SIOCSIFFLAGS = 0x8914
OUTSIDE = ("192.0.2.1", 443)  # an address for examples, RFC 5737


def main():
    comfyui, runtime, graph_file = map(Path, sys.argv[1:4])
    raise_loopback()
    import serve

    graph = json.loads(graph_file.read_text("utf-8"))
    with serve.running_server(comfyui, runtime=runtime) as server:
        files = asyncio.run(run(server.url, graph))
    sys.stdout.write(json.dumps({"outside": outside(), "files": files}))


def raise_loopback():
    """A new network namespace has nothing but a loopback that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", IFF_UP_RUNNING)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def outside():
    """What happens to one who tries to get out."""
    try:
        socket.create_connection(OUTSIDE, timeout=5).close()
    except OSError as error:
        return error.strerror or str(error)
    return "connected"


async def run(url, graph):
    import aiohttp
    from client import Client

    async with aiohttp.ClientSession() as session:
        return await Client(session, url).run(graph)


if __name__ == "__main__":
    main()

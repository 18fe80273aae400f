"""OpenStack Swift in one process: `serve.py FOLDER PORT ACCOUNT_PORT CONTAINER_PORT OBJECT_PORT`.

Run by the Python of its own environment. Proxy, tempauth, account, container and object server are
OpenStack's; objects are kept in memory, by Swift's own in-memory server; in place of memcached,
which keeps tempauth's tokens, there is a dict.
"""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402 - after the patch
from pathlib import Path  # noqa: E402

import eventlet.wsgi  # noqa: E402
from swift.account.server import AccountController  # noqa: E402
from swift.common import utils  # noqa: E402
from swift.common.middleware.tempauth import filter_factory as tempauth  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.container.server import ContainerController  # noqa: E402
from swift.obj.mem_server import ObjectController  # noqa: E402
from swift.proxy.server import Application  # noqa: E402


class Memory:
    """As much of Swift's memcached client as the proxy and tempauth use."""

    def __init__(self):
        self.kept = {}

    def get(self, key, *_, **__):
        return self.kept.get(key)

    def set(self, key, value, *_, **__):
        self.kept[key] = value

    def delete(self, key, *_, **__):
        self.kept.pop(key, None)

    def incr(self, key, delta=1, *_, **__):
        self.kept[key] = self.kept.get(key, 0) + delta
        return self.kept[key]

    def decr(self, key, delta=1, *_, **__):
        return self.incr(key, -delta)


def with_memory(app, memory):
    """The cache in each request; a request to /forget forgets all tokens, as time would."""

    def serve(environ, start_response):
        if environ["PATH_INFO"] == "/forget":
            memory.kept.clear()
            start_response("204 No Content", [("Content-Length", "0")])
            return [b""]
        environ["swift.cache"] = memory
        return app(environ, start_response)

    return serve


def ring(folder, name, port):
    builder = RingBuilder(2, 1, 0)
    device = {"id": 0, "region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1"}
    builder.add_dev(device | {"port": port, "device": "disk"})
    builder.rebalance()
    builder.get_ring().save(str(folder / f"{name}.ring.gz"))


def main():
    folder = Path(sys.argv[1])
    proxy_port, *ports = map(int, sys.argv[2:6])
    (folder / "disk").mkdir(parents=True, exist_ok=True)
    utils.HASH_PATH_SUFFIX = b"tests"
    utils.validate_hash_conf = lambda: None
    conf = {"swift_dir": str(folder), "devices": str(folder), "mount_check": "false"}
    servers = {
        "account": AccountController,
        "container": ContainerController,
        "object": ObjectController,
    }
    for (name, server), port in zip(servers.items(), ports, strict=True):
        ring(folder, name, port)
        listener = eventlet.listen(("127.0.0.1", port))
        eventlet.spawn(eventlet.wsgi.server, listener, server(conf), log_output=False)
    users = {
        "user_test_tester": "testing .admin",
        "user_test_reader": "reading",
        "user_test_accents": "pässwörd€ .admin",
    }
    app = tempauth(conf | users)(Application(conf | {"account_autocreate": "true"}))
    listener = eventlet.listen(("127.0.0.1", proxy_port))
    eventlet.wsgi.server(listener, with_memory(app, Memory()), log_output=False)


if __name__ == "__main__":
    main()

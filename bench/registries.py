"""The part of the benchmark about registries: Lighthouse and etcd, asked by the client that nodes use."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import program
from farm import BIN
from measuring import head

SECTION = "registry"
CALLERS = (1, 16)
SECONDS = 4
START_SECONDS = 20


def bench():
    kinds = [("Lighthouse", lambda directory: Store.lighthouse(directory))]
    if shutil.which("etcd"):
        kinds += [("etcd, one member", lambda directory: Store.etcd(directory, 1)), ("etcd, three members", lambda directory: Store.etcd(directory, 3))]
    rows, own = [], []
    for name, start in kinds:
        directory = tempfile.mkdtemp(prefix="vni-bench-registry-", dir="/var/tmp")  # Not a tmpfs: what is acknowledged is on disk.
        try:
            with start(directory) as store:
                rows.append((name, {(write, n): program.run_in(None, "registry", "--endpoints", ",".join(store.urls), "--write", write, "--callers", str(n), "--seconds", str(SECONDS))
                                    for write in ("change", "put") for n in CALLERS}))
                if "etcd" in name and shutil.which("etcdctl"):
                    own.append((name, store.check()))
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    columns = [f"{n} at a time" for n in CALLERS]
    head("Registry: transactions per second, and the median of one", "store", *(f"change of an application, {c}" for c in columns), *(f"one put, {c}" for c in columns))
    for name, rates in rows:
        print(f"| {name} | " + " | ".join(f"{rate['perSecond']:.0f} ({rate['medianMs']:.2f} ms)" for rate in rates.values()) + " |")
    head("For comparison", "what", "per second")
    for name, found in own:
        print(f"| {name}: puts of etcd's own client over gRPC (`etcdctl check perf --load l`) | {found} |")
    print(f"| `fdatasync` of 4 KiB appended to a file on the same disk, one after the other | {syncs_per_second():.0f} |")


def syncs_per_second():
    with tempfile.TemporaryFile(dir="/var/tmp") as file:
        start = time.perf_counter()
        count = 0
        while time.perf_counter() - start < 1:
            os.write(file.fileno(), b"x" * 4096)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - start)


class Store:
    """Processes on ports of loopback, without TLS, that end with the context."""

    def __init__(self, urls, commands, directory):
        self.urls = urls
        self.directory = directory
        self.log = open(os.path.join(directory, "log"), "w", encoding="utf-8")
        self.processes = []
        try:
            for command in commands:
                self.processes.append(subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True))
            for url in urls:
                self._await(url)
        except BaseException:
            self.__exit__()
            raise

    @classmethod
    def lighthouse(cls, directory):
        address = f"127.0.0.1:{free_ports(1)[0]}"
        return cls([f"http://{address}"], [[f"{BIN}/lighthouse", "--state", directory, "--listen", address]], directory)

    @classmethod
    def etcd(cls, directory, members):
        ports = free_ports(2 * members)
        urls = [f"http://127.0.0.1:{port}" for port in ports[:members]]
        peers = [f"http://127.0.0.1:{port}" for port in ports[members:]]
        cluster = ",".join(f"m{n}={peer}" for n, peer in enumerate(peers))
        return cls(urls, [["etcd", "--name", f"m{n}", "--data-dir", f"m{n}", "--logger", "zap", "--listen-client-urls", urls[n], "--advertise-client-urls", urls[n],
                           "--listen-peer-urls", peers[n], "--initial-advertise-peer-urls", peers[n], "--initial-cluster", cluster] for n in range(members)], directory)

    def check(self):
        """What etcd's own check says: 8000 puts per second are asked for by 500 clients, for a minute."""
        done = subprocess.run(["etcdctl", "--endpoints", ",".join(self.urls), "check", "perf", "--load", "l"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, "ETCDCTL_API": "3"})
        found = re.search(r"(\d+) writes/s", done.stdout + done.stderr)
        return found[1] if found else f"none: {(done.stderr or done.stdout).strip().splitlines()[-1]}"

    def _await(self, url):
        host, port = url.removeprefix("http://").split(":")
        request = b"POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{\"key\":\"L3g=\"}"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                with socket.create_connection((host, int(port)), timeout=2) as connection:
                    connection.sendall(request)
                    if b" 200 " in connection.recv(64):
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError(f"the registry at {url} did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        former = signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in self.processes:
            process.kill()
            process.wait()
        self.log.close()
        signal.signal(signal.SIGINT, former)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports

"""What the parts of the benchmark share: a clock, tables, the daemon's API, clients in namespaces, and CRIU by hand."""
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from farm import BIN, HERE, cgroup_root, enter_network, run

PRIVATE_CRIU = "/usr/local/lib/vniakka/criu/bin/criu"
REDIS = ["redis-server", "--protected-mode", "no", "--save", "", "--dir", "/tmp", "--enable-debug-command", "yes"]
PORT = 6379
ENVIRONMENT = {"LC_ALL": "C"}  # Without PATH programs are looked for in /bin and /usr/bin, and none of the harness's stands in for them.
KEEP = 3  # Snapshots of an application that vnid keeps, unless it is told otherwise.
CRIU_FLAGS = ["--tcp-established", "--file-locks", "--link-remap", "--ghost-limit", "1G", "--manage-cgroups=ignore",
              "--empty-ns", "net", "--network-lock", "skip", "-v2"]


class Api(http.client.HTTPConnection):
    """vnid's API on its socket, so that no start of a command is in the figures."""

    def __init__(self, path):
        super().__init__("localhost", timeout=600)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)

    def post(self, path, body=None):
        return self._ask("POST", path, json.dumps(body or {}))

    def get(self, path):
        return self._ask("GET", path, None)

    def delete(self, path):
        return self._ask("DELETE", path, None)

    def _ask(self, method, path, body):
        self.request(method, f"/v1/{path}", body, {"content-type": "application/json"} if body else {})
        answer = self.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{path}: {text.decode()}")
        return json.loads(text) if text else None


def milliseconds(action):
    """How long it takes, and what it returns."""
    start = time.perf_counter()
    result = action()
    return (time.perf_counter() - start) * 1000, result


def begin_in_network(name, action):
    """Begins a short action in a child of this process that has moved into a network namespace; how to wait for its result."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            enter_network(name)
            os.write(writer, json.dumps(action()).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)

    def result():
        with os.fdopen(reader, "rb") as answer:
            text = answer.read()
        if os.waitpid(child, 0)[1]:
            raise RuntimeError("an action in a network namespace failed")
        return json.loads(text)
    return result


def in_network(name, action):
    """What a short action returns in a child of this process that has moved into a network namespace."""
    return begin_in_network(name, action)()


def first_pong(address, patience=1):
    """Knocks until redis answers; the time of the answer on the monotonic clock, which all processes share."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address, PORT), timeout=patience) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16) == b"+PONG\r\n":
                    return time.monotonic()
        except OSError:
            time.sleep(0.0005)
    raise RuntimeError(f"no PONG from {address}")


def start_redis(farm, aid, address, keys, *options):
    """Runs a redis, waits until it answers and fills it; megabytes that it has in memory."""
    farm.text("run", "--name", aid, "--ip", address, *options, "--", *REDIS)
    in_network(farm.client, lambda: first_pong(address))
    if keys:
        farm.at_client("redis-cli", "-h", address, "debug", "populate", str(keys), "key", "1000", stdout=subprocess.DEVNULL).wait()
    pid = next(p["hostPid"] for p in farm.vni("inspect", aid)["processes"] if "redis-server" in p["command"])
    return resident_kb(pid) / 1024


def resident_kb(pid):
    return int(next(line for line in open(f"/proc/{pid}/status", encoding="utf-8") if line.startswith("VmRSS")).split()[1])


def longest_pause(farm, address, action, settle=0.3):
    """What a client sees that sends one INCR after the other on one connection while an action goes on: the longest time between
    request and reply, and what the action returned. Fails if a reply is lost or comes twice."""
    key = f"counter-{time.monotonic_ns()}"
    client = farm.at_client(os.path.join(HERE, "scripts/steady-client"), address, str(PORT), key, "1",
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        client.stdout.readline()
        time.sleep(settle)
        result = action()
        time.sleep(settle)
        saw = json.loads(client.communicate()[0])
    finally:
        client.kill()
        client.wait()
    if saw["error"] or saw["gaps"]:
        raise RuntimeError(f"the client's connection did not survive: {saw}")
    return saw["longestPauseMs"], result


def row(name, values, *more):
    print(f"| {name} | {statistics.median(values):.1f} | {min(values):.1f} to {max(values):.1f} | " + " | ".join(more) + (" |" if more else ""))


def head(title, *columns):
    print(f"\n### {title}\n\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}", flush=True)


def times_of(values, base):
    return f"{statistics.median(values) / statistics.median(base):.2f}"


def note_phases(phases, operation, measured):
    for phase in measured:
        phases.setdefault((operation, phase["name"]), []).append(phase["milliseconds"])


def show_phases(phases, title="Where the time goes"):
    head(title, "operation", "phase", "median ms")
    for (operation, phase), values in phases.items():
        print(f"| {operation} | {phase} | {statistics.median(values):.1f} |")


class BareCriu:
    """Dumps and restores an instance's processes by hand, with the flags that the product uses.

    Files are below directory; images too, or on another file system, where none is kept.
    """

    def __init__(self, name, directory, runtime, images=None):
        self.criu = PRIVATE_CRIU if os.access(PRIVATE_CRIU, os.X_OK) else shutil.which("criu")
        self.directory = directory
        self.keep = 0 if images else KEEP
        self.parent = images or directory
        self.images = None
        self.kept = []
        self.restored = os.path.join(cgroup_root(), f"vni-{name}-bare")
        self.cache = os.path.join(runtime, "bare")
        for path in (self.directory, self.parent, self.restored, self.cache):
            os.makedirs(path, exist_ok=True)
        self.launch = [f"{BIN}/appshot", "criu", "--run", self.cache]
        run(*self.launch, "--", self.criu, "check", check=False, env=ENVIRONMENT)  # It learns about the kernel once, as the product's does.

    @staticmethod
    def init(cgroup):
        """The instance's first process: the one whose parent is in another PID namespace."""
        for pid in map(int, open(f"{cgroup}/cgroup.procs", encoding="utf-8").read().split()):
            for line in open(f"/proc/{pid}/status", encoding="utf-8"):
                if line.startswith("NSpid:") and line.split()[-1] == "1":
                    return pid
        raise RuntimeError("the instance has no first process")

    @staticmethod
    def freeze(cgroup, frozen):
        with open(f"{cgroup}/cgroup.freeze", "w", encoding="utf-8") as control:
            control.write(str(int(frozen)))
        while f"frozen {int(frozen)}" not in open(f"{cgroup}/cgroup.events", encoding="utf-8").read():
            time.sleep(0.0002)

    def dump(self, cgroup):
        # New files each time, the last few kept, as the product does: on a virtual machine, memory that was in use a moment
        # ago is up to ten times faster to write to than memory that the host has to provide first.
        self.images = tempfile.mkdtemp(prefix="images-", dir=self.parent)
        self.kept.append(self.images)
        pid = self.init(cgroup)
        try:
            def act():
                self.freeze(cgroup, True)
                run(*self.launch, "--", self.criu, "dump", "-t", str(pid), "-D", self.images, "-o", "dump.log",
                    "--freeze-cgroup", cgroup, "--leave-running", *CRIU_FLAGS, env=ENVIRONMENT)
            return milliseconds(act)[0]
        finally:
            self.freeze(cgroup, False)
            if len(self.kept) > max(self.keep, 1):
                shutil.rmtree(self.kept.pop(0))

    def copy(self):
        """Copies the images beside themselves."""
        to = f"{self.images}-copy"
        try:
            return milliseconds(lambda: shutil.copytree(self.images, to))[0]
        finally:
            shutil.rmtree(to, ignore_errors=True)

    def restore(self, layer):
        """Restores a second copy beside the first one: everything of it is in namespaces of its own."""
        upper, work, root = (os.path.join(self.directory, name) for name in ("upper", "work", "root"))
        for path in (upper, work, root):
            shutil.rmtree(path, ignore_errors=True)
        run("cp", "-a", layer, upper)
        for path in (work, root):
            os.makedirs(path)
        try:
            return milliseconds(lambda: run(
                *self.launch, "--cgroup", self.restored, "--overlay", "/", upper, work, root, "--",
                self.criu, "restore", "-D", self.images, "-o", "restore.log", "-d", "--root", root, *CRIU_FLAGS, env=ENVIRONMENT))[0]
        finally:
            self.clear()
            if self.keep == 0:
                shutil.rmtree(self.kept.pop())

    def clear(self):
        with open(f"{self.restored}/cgroup.kill", "w", encoding="utf-8") as control:
            control.write("1")
        while open(f"{self.restored}/cgroup.procs", encoding="utf-8").read():
            time.sleep(0.005)

    def close(self):
        self.clear()
        os.rmdir(self.restored)
        for path in (self.directory, self.parent, self.cache):
            shutil.rmtree(path, ignore_errors=True)

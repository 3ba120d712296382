"""Nodes and their clients on this machine, each in a network namespace of its own; for the demo and the benchmark.

Farm is one node: no route leads out, the node's namespace holds vnid's bridge, the client's namespace one cable to it.
Playground is a farm of several nodes that 'vni farm' makes. Leaving the context removes everything, however it is left.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("VNI_BIN", os.path.join(HERE, "bin"))
CLONE_NEWNET = 0x40000000
CLIENT_IP = "10.117.200.1"
START_SECONDS = 15


class VniError(Exception):
    """vni refused or failed: one sentence, and its code."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status
        self.text = text


def run(*command, check=True, **options):
    """Runs a command to its end; its standard output. A failure carries its standard error."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def enter_network(name):
    """Moves this process into a named network namespace; for the child's side of a fork."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{name}", encoding="utf-8") as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")


def cgroup_root():
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            device, where, kind = line.split()[:3]
            if kind == "cgroup2":
                return where
    raise RuntimeError("no cgroup v2 is mounted: run 'make setup'")


class Farm:
    """One vnid and one client namespace. Names hold this process's id, so that two farms never meet."""

    def __init__(self, purpose):
        self.name = f"vni{purpose}{os.getpid()}"
        self.node = f"{self.name}n"
        self.client = f"{self.name}c"
        self.directory = None
        self.daemon = None

    @property
    def socket(self):
        return os.path.join(self.directory, "vnid.sock")

    @property
    def log(self):
        return os.path.join(self.directory, "vnid.log")

    @property
    def runtime(self):
        return f"/dev/shm/{self.name}"

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _build(self):
        # Not /tmp: that may be a file system of its own, and an instance sees only the root file system.
        self.directory = tempfile.mkdtemp(prefix=self.name + "-", dir="/var/tmp")
        os.makedirs(self.runtime, exist_ok=True)
        for namespace in (self.node, self.client):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        self.start_daemon()
        run("ip", "-n", self.node, "link", "add", "client", "type", "veth", "peer", "name", "eth0", "netns", self.client)
        run("ip", "-n", self.node, "link", "set", "client", "master", "vni0", "up")
        run("ip", "-n", self.client, "addr", "add", f"{CLIENT_IP}/16", "dev", "eth0")
        run("ip", "-n", self.client, "link", "set", "eth0", "up")

    def start_daemon(self):
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen(
                [f"{BIN}/vnid", "--state", f"{self.directory}/state", "--runtime", self.runtime, "--socket", self.socket,
                 "--node", self.name, "--bridge", "vni0", "--subnet", "10.117.0.0/16"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=lambda: enter_network(self.node))
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.vni("version")
            except VniError as error:
                if self.daemon.poll() is not None or time.monotonic() > deadline:
                    with open(self.log, encoding="utf-8") as log:
                        raise RuntimeError(f"vnid did not start: {error}\n{log.read()}") from None
                time.sleep(0.02)

    def vni(self, command, *arguments):
        """Runs vni with -o json; what it answered."""
        answer = self.text(command, "-o", "json", *arguments)
        return json.loads(answer) if answer.strip() else None

    @property
    def environment(self):
        return {**os.environ, "VNI_SOCKET": self.socket}

    def text(self, *arguments):
        """Runs vni as a person would; what it printed."""
        done = subprocess.run([f"{BIN}/vni", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, env=self.environment)
        if done.returncode:
            raise VniError(done.returncode, (done.stderr or done.stdout).strip())
        return done.stdout

    def at_client(self, *command, **options):
        """Starts a command in the client's namespace."""
        return subprocess.Popen(command, preexec_fn=lambda: enter_network(self.client), text=True, **options)

    def __exit__(self, *_):
        # A second Ctrl-C must not stop the clearing up half way.
        former = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._clear()
        finally:
            signal.signal(signal.SIGINT, former)

    def _clear(self):
        if self.daemon and self.daemon.poll() is None:
            try:
                for application in self.vni("ps"):
                    run(f"{BIN}/vni", "rm", "--force", application["aid"], check=False, env=self.environment)
            except (VniError, ValueError):
                pass
            self.daemon.terminate()
            try:
                self.daemon.wait(15)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        self._clear_cgroup(os.path.join(cgroup_root(), f"vni-{self.name}"))
        for namespace in (self.client, self.node):
            run("ip", "netns", "del", namespace, check=False)
        shutil.rmtree(self.runtime, ignore_errors=True)
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def _clear_cgroup(root):
        """What a vnid that died has left: kills the processes, then removes the directories from the leaves up."""
        if not os.path.isdir(root):
            return
        for name, value in (("cgroup.kill", "1"), ("cgroup.freeze", "0")):
            with open(os.path.join(root, name), "w", encoding="utf-8") as control:
                control.write(value)
        for directory, _, _ in os.walk(root, topdown=False):
            for _ in range(100):
                try:
                    os.rmdir(directory)
                    break
                except OSError:
                    time.sleep(0.02)


class Playground:
    """A farm that 'vni farm up' makes. Nodes go by their short names: n1, n2, ..."""

    def __init__(self, purpose, nodes, *options):
        self.name = f"{purpose}{os.getpid()}"
        self.options = ["--nodes", str(nodes), *options]
        self.members = {}
        self.directory = f"/var/tmp/vni-{self.name}"  # Of whoever uses the farm; not /tmp, which an instance may not see.
        self.runtime = f"/dev/shm/vni-{self.name}"

    def __enter__(self):
        try:
            made = self.farm("up", *self.options)
            self.members = {member["name"]: member for member in made["members"]}
            os.makedirs(self.directory, exist_ok=True)
            os.makedirs(self.runtime, exist_ok=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # A second Ctrl-C must not stop the clearing up half way.
        former = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            run(f"{BIN}/vni", "farm", "down", "--name", self.name)
        finally:
            for path in (self.directory, self.runtime):
                shutil.rmtree(path, ignore_errors=True)
            signal.signal(signal.SIGINT, former)

    @property
    def client(self):
        """The client's namespace: on the switch, outside of all nodes."""
        return self.members["client"]["namespace"]

    def farm(self, command, *arguments):
        """Runs 'vni farm'; the farm as it is then."""
        return json.loads(run(f"{BIN}/vni", "farm", command, "--name", self.name, "-o", "json", *arguments))

    def socket_of(self, node):
        return self.members[node]["socket"]

    def identity_of(self, node):
        """The node's name in the farm: what 'vni migrate' takes."""
        return self.members[node]["node"]

    def cgroup_of(self, node, aid):
        return os.path.join(cgroup_root(), f"vni-{self.identity_of(node)}", aid)

    def layer_of(self, node, aid):
        return f"/var/lib/vniakka-farm/{self.name}/{node}/instances/{aid}/upper"

    def text(self, *arguments, at="n1"):
        """Runs vni at a node; what it printed."""
        done = subprocess.run([f"{BIN}/vni", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, "VNI_SOCKET": self.socket_of(at)})
        if done.returncode:
            raise VniError(done.returncode, (done.stderr or done.stdout).strip())
        return done.stdout

    def vni(self, command, *arguments, at="n1"):
        """Runs vni at a node with -o json; what it answered."""
        answer = self.text(command, "-o", "json", *arguments, at=at)
        return json.loads(answer) if answer.strip() else None

    def at_client(self, *command, **options):
        """Starts a command in the client's namespace."""
        return subprocess.Popen(command, preexec_fn=lambda: enter_network(self.client), text=True, **options)

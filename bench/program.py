"""The loads that need the product's own classes: bench/Load, a .NET program, built when it is first needed."""
import functools
import json
import os
import subprocess

from farm import HERE, enter_network, run

ARTIFACTS = os.environ.get("VNI_ARTIFACTS", os.path.join(HERE, "artifacts"))


@functools.cache
def path():
    environment = {**os.environ, "MSBUILDDISABLENODEREUSE": "1", "DOTNET_CLI_TELEMETRY_OPTOUT": "1"}
    run("dotnet", "build", os.path.join(HERE, "bench/Load"), "-c", "Release", "-v", "quiet", "--nologo", "-p:UseSharedCompilation=false", env=environment)
    return os.path.join(ARTIFACTS, "bin/Load/release/vni-load")


def run_in(network, *arguments):
    """Runs it to its end in a network namespace, or in this one if that is None; the last line that it printed."""
    answer = run(path(), *arguments, preexec_fn=(lambda: enter_network(network)) if network else None)
    return json.loads(answer.splitlines()[-1])


def as_node(farm, node):
    """Options that make it speak in the name of a node."""
    name, certificates = farm.identity_of(node), os.path.join("/run/vniakka-farm", farm.name, "certificates")
    return ["--farm", farm.name, "--node", name, "--certificate", f"{certificates}/{name}.crt", "--key", f"{certificates}/{name}.key",
            "--authority", f"{certificates}/ca.crt"]


class Stream:
    """A sender in one node's namespace and a reader in another's, with those nodes' certificates."""

    PORT = 7201

    def __init__(self, farm, sender, reader):
        endpoint = f"{farm.members[reader]['address']}:{self.PORT}"
        self.reader = self._start(farm, reader, "read", "--listen", endpoint)
        self.sender = None
        try:
            if self.reader.stdout.readline() != "ready\n":
                raise RuntimeError("the reader of streams did not start")
            self.sender = self._start(farm, sender, "send", "--to", farm.identity_of(reader), "--endpoint", endpoint)
            self.send(1 << 28)  # Until its code is compiled to the end.
        except BaseException:
            self.__exit__()
            raise

    @staticmethod
    def _start(farm, node, command, *arguments):
        return subprocess.Popen([path(), command, *as_node(farm, node), *arguments], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                preexec_fn=lambda: enter_network(farm.members[node]["namespace"]))

    def send(self, size):
        """Milliseconds that a stream of this size took."""
        self.sender.stdin.write(f"{size}\n")
        self.sender.stdin.flush()
        return json.loads(self.sender.stdout.readline())["milliseconds"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.sender, self.reader):
            if process:
                process.kill()
                process.communicate()

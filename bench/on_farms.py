"""The parts of the benchmark that need a farm: migration, the stream of images, questions between nodes, names, recovery."""
import json
import os
import re
import socket
import statistics
import subprocess
import time

import program
from farm import BIN, Playground, VniError
from measuring import (
    Api, BareCriu, begin_in_network, first_pong, head, in_network, longest_pause, note_phases, row, show_phases, start_redis)

SECTIONS = ("migrate", "stream", "asks", "names", "recovery")
LEASE = 3  # Seconds: what 'vni farm up' sets.
STREAM_BYTES = 512 << 20
CALLERS = (1, 16)
SECONDS = 3
CHECKPOINT = "5s"
TCP_PORT = 7200


def run_sections(wanted, rounds, sizes):
    if wanted.intersection(("migrate", "stream", "asks", "names")):
        with Playground("bench", 2) as farm:
            if "migrate" in wanted:
                for keys in sizes:
                    bench_migrate(farm, rounds, keys)
            if "stream" in wanted:
                bench_stream(farm, rounds)
            if "asks" in wanted:
                bench_asks(farm)
            if "names" in wanted:
                bench_names(farm, rounds)
    if "recovery" in wanted:
        with Playground("bench", 3) as farm:
            for many in (1, 10):
                bench_recovery(farm, rounds, many)


# --- migration ------------------------------------------------------------------------------------------------------

def bench_migrate(farm, rounds, keys):
    aid, address = "redis", "10.117.2.1"
    resident = start_redis(farm, aid, address, keys)
    api = Api(farm.socket_of("n1"))
    bare = BareCriu(farm.name, os.path.join(farm.directory, "bare"), farm.runtime, images=os.path.join(farm.runtime, "images"))
    dump, copy, restore, pauses, freezes, rates, phases = [], [], [], [], [], [], {}
    here, there = "n1", "n2"

    def migrate():
        return api.post(f"applications/{aid}/migrate", {"node": farm.identity_of(there)})

    try:
        for _ in range(2):  # There and back: a node's first restore finds out what its kernel can do.
            migrate()
            here, there = there, here
        for _ in range(rounds):
            os.sync()
            dump.append(bare.dump(farm.cgroup_of(here, aid)))
            copy.append(bare.copy())
            os.sync()
            restore.append(bare.restore(farm.layer_of(here, aid)))
            os.sync()
            pause, answer = longest_pause(farm, address, migrate)
            here, there = there, here
            pauses.append(pause)
            freezes.append(answer["freezeMilliseconds"])
            note_phases(phases, "migrate", answer["phases"])
            sending = sum(phase["milliseconds"] for phase in answer["phases"] if phase["name"] in ("dump", "images", "manifest", "send"))
            rates.append(answer["bytes"] / sending / 1000)
    finally:
        bare.close()
        api.close()
    farm.text("rm", "--force", aid)

    both = statistics.median(dump) + statistics.median(restore)
    head(f"redis of {resident:.0f} MB: migration between two nodes, under load", "what", "median ms", "range", "times bare dump and restore")
    row("bare CRIU dump, to a tmpfs", dump, "")
    row("copy of its images, tmpfs to tmpfs", copy, "")
    row("bare CRIU restore", restore, "")
    row("longest pause of a client, one INCR after the other", pauses, f"{statistics.median(pauses) / both:.2f}" + (" (aim: at most 1.15)" if keys == 0 else ""))
    row("frozen, as `vni migrate` says", freezes, f"{statistics.median(freezes) / both:.2f}")
    print(f"\n{answer['bytes'] / (1 << 20):.1f} MiB were sent while it was frozen: {statistics.median(rates):.0f} MB/s from the beginning of the dump to the end of the stream.")
    show_phases(phases, f"Where the time of a migration goes, {resident:.0f} MB")


# --- the stream of images ---------------------------------------------------------------------------------------------

def bench_stream(farm, rounds):
    plain, ours = [], []
    with program.Stream(farm, "n1", "n2") as peers:
        for _ in range(rounds):
            plain.append(STREAM_BYTES / tcp_copy(farm) / 1000)
            ours.append(STREAM_BYTES / peers.send(STREAM_BYTES) / 1000)
    head(f"{STREAM_BYTES >> 20} MiB from node to node, memory to memory", "what", "median MB/s", "range", "of plain TCP")
    row("plain TCP: one `send` after the other, one `recv` after the other", plain, "1")
    row("a migration's stream: TLS, framing, SHA-256 on both sides", ours, f"{statistics.median(ours) / statistics.median(plain):.2f}")


def tcp_copy(farm):
    """Sends zeros from node to node over one connection; milliseconds until the other side has said that it has all."""
    block = 1 << 20

    def receive():
        with socket.create_server(("", TCP_PORT)) as server:
            connection, _ = server.accept()
            with connection:
                buffer, left = bytearray(block), STREAM_BYTES
                while left > 0:
                    left -= connection.recv_into(buffer)
                connection.sendall(b".")
        return True

    def send():
        while True:
            try:
                connection = socket.create_connection((farm.members["n2"]["address"], TCP_PORT), timeout=30)
                break
            except ConnectionRefusedError:
                time.sleep(0.001)
        with connection:
            data = bytes(block)
            start = time.perf_counter()
            for _ in range(STREAM_BYTES // block):
                connection.sendall(data)
            if connection.recv(1) != b".":
                raise ConnectionError("the other side has not got all")
            return (time.perf_counter() - start) * 1000

    received = begin_in_network(farm.members["n2"]["namespace"], receive)
    took = in_network(farm.members["n1"]["namespace"], send)
    received()
    return took


# --- questions to a remote actor ----------------------------------------------------------------------------------------

def bench_asks(farm):
    aid = "asked"
    farm.text("run", "--name", aid, "--", "sleep", "infinity")
    head("Questions to the actor of an application (`inspect`), per second", "who asks whom", *(f"{n} at a time" for n in CALLERS), "median ms of one, 1 at a time")
    for title, arguments in (
            ("node n2 the actor on n1: messages between nodes alone", ["asks", *program.as_node(farm, "n2"), "--to", farm.identity_of("n1"), "--endpoint", farm.members["n1"]["endpoint"]]),
            ("a client of n2's API the actor on n1", ["api", "--socket", farm.socket_of("n2")]),
            ("a client of n1's API the actor on n1", ["api", "--socket", farm.socket_of("n1")])):
        rates = [program.run_in(farm.members["n2"]["namespace"], *arguments, "--aid", aid, "--callers", str(n), "--seconds", str(SECONDS)) for n in CALLERS]
        print(f"| {title} | " + " | ".join(f"{rate['perSecond']:.0f}" for rate in rates) + f" | {rates[0]['medianMs']:.2f} |", flush=True)
    farm.text("rm", "--force", aid)


# --- names ----------------------------------------------------------------------------------------------------------

def bench_names(farm, rounds):
    """dnsperf as fast as it can, beside the server on the same cores."""
    ip = farm.vni("run", "--name", "named", "--hostname", "named", "--", "sleep", "infinity")["ip"]
    queries = os.path.join(farm.directory, "queries")
    with open(queries, "w", encoding="ascii") as file:
        file.write(f"named.vni.internal A\n{'.'.join(reversed(ip.split('.')))}.in-addr.arpa PTR\nnobody.vni.internal A\n")
    asked = {name: [] for name in ("UDP", "TCP")}
    for _ in range(rounds):
        for name, mode in (("UDP", "udp"), ("TCP", "tcp")):
            load = farm.at_client("dnsperf", "-m", mode, "-s", farm.members["registry"]["address"], "-d", queries, "-l", str(SECONDS), "-c", "8", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            asked[name].append(float(re.search(r"Queries per second:\s+([\d.]+)", load.communicate()[0])[1]))
    farm.text("rm", "--force", "named")
    head("Names that Lighthouse answers", "by", "a second", "range")
    for name, rates in asked.items():
        row(name, rates)


# --- recovery -----------------------------------------------------------------------------------------------------------

def bench_recovery(farm, rounds, many):
    aids = [f"saved-{n}" for n in range(many)]
    addresses = [f"10.117.3.{n + 1}" for n in range(many)]
    first, last = [], []
    for _ in range(rounds):
        for aid, address in zip(aids, addresses):
            start_redis(farm, aid, address, 0, "--node", farm.identity_of("n1"), "--checkpoint", CHECKPOINT)
        await_copies(farm, aids)
        died = kill(farm, "n1")
        waiting = [begin_in_network(farm.client, lambda address=address: first_pong(address, patience=0.05)) for address in addresses]
        answered = sorted((result() - died) * 1000 for result in waiting)
        first.append(answered[0])
        last.append(answered[-1])
        farm.farm("restart", "n1")
        for aid in aids:
            remove(farm, aid)
    head(f"From the death of a node to the first PONG of its applications, {many} with checkpoints, lease {LEASE} s", "what", "median ms", "range", "after the lease")
    row("the application" if many == 1 else "the first of them", first, f"{statistics.median(first) - LEASE * 1000:+.0f} ms")
    if many > 1:
        row("all of them", last, f"{statistics.median(last) - LEASE * 1000:+.0f} ms")


def remove(farm, aid):
    """Removes an application, between two checkpoints."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return farm.text("rm", "--force", aid, at="n2")
        except VniError as refusal:
            if "(busy)" not in refusal.text or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def await_copies(farm, aids):
    """Waits until another node holds a snapshot of each application."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pairs = farm.vni("registry", "get", "snapshots/", at="n2")
        copied = {record["aid"] for record in map(value_of, pairs) if record.get("copies")}
        if copied.issuperset(aids):
            return
        time.sleep(0.1)
    raise RuntimeError("no other node has got snapshots of the applications within a minute")


def value_of(pair):
    return pair["value"] if isinstance(pair["value"], dict) else json.loads(pair["value"])


def kill(farm, node):
    """Switches a node off; when its daemon was gone."""
    pid = next(member["pid"] for member in farm.farm("status")["members"] if member["name"] == node)
    killing = subprocess.Popen([f"{BIN}/vni", "farm", "kill", "--name", farm.name, node], stdout=subprocess.DEVNULL)
    try:
        while killing.poll() is None and os.path.exists(f"/proc/{pid}"):
            time.sleep(0.0005)
        return time.monotonic()
    finally:
        if killing.wait():
            raise RuntimeError(f"node {node} could not be killed")

"""Holds open files that have lost their names: one that still has another name, one that has none, and a lock. Answers
every line on port 7000 with what it reads from them now."""
import fcntl
import os
import socketserver
import sys

directory = sys.argv[1]
os.makedirs(directory, exist_ok=True)
for name, text in (("renamed", "linked"), ("gone", "ghost"), ("lock", "")):
    with open(os.path.join(directory, name), "w", encoding="ascii") as file:
        file.write(text)
linked, ghost, lock = (open(os.path.join(directory, name), "r+", encoding="ascii") for name in ("renamed", "gone", "lock"))
os.link(os.path.join(directory, "renamed"), os.path.join(directory, "other"))
os.unlink(os.path.join(directory, "renamed"))
os.unlink(os.path.join(directory, "gone"))
fcntl.flock(lock, fcntl.LOCK_EX)


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for _ in self.rfile:
            linked.seek(0)
            ghost.seek(0)
            with open(os.path.join(directory, "lock"), encoding="ascii") as other:
                try:
                    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    held = "free"
                except BlockingIOError:
                    held = "held"
            names = " ".join(sorted(os.listdir(directory)))
            self.wfile.write(f"{linked.read()} {os.fstat(linked.fileno()).st_nlink} {ghost.read()} {held}: {names}\n".encode())


print("serving on 7000", flush=True)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("0.0.0.0", 7000), Handler).serve_forever()

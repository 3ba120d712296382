"""Connects out, once, and sends numbered lines to a peer that answers each with "NUMBER LINE", as sequence does. Answers every line on port
7000 with how many answers have come; with "failed" and the reason once one was wrong, or the connection broke.

    caller.py HOST PORT
"""
import socket
import socketserver
import sys
import threading

done, failure = 0, None


def call(connection):
    global done, failure
    try:
        answers = connection.makefile("rb")
        while True:
            line = b"%d call %d\n" % (done + 1, done + 1)
            connection.sendall(line.split(b" ", 1)[1])
            answer = answers.readline()
            if answer != line:
                raise ValueError(f"{answer} instead of {line}")
            done += 1
    except (OSError, ValueError) as problem:
        failure = problem


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for _ in self.rfile:
            self.wfile.write(b"failed: %s\n" % str(failure).encode() if failure else b"%d\n" % done)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


outward = socket.create_connection((sys.argv[1], int(sys.argv[2])))
threading.Thread(target=call, args=(outward,), daemon=True).start()
print("serving on 7000", flush=True)
Server(("0.0.0.0", 7000), Handler).serve_forever()

"""A threaded TCP server: answers every line with its own thread's running number and the line."""
import socketserver


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for number, line in enumerate(self.rfile, 1):
            self.wfile.write(b"%d %s" % (number, line))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


print("serving on 7000", flush=True)
Server(("0.0.0.0", 7000), Handler).serve_forever()

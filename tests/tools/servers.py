"""Small servers for the tests of tasks that speak to others; on 127.0.0.1 only, on a free port.

usage: servers.py http|smtp FOLDER

Writes FOLDER/port when it listens, and leaves when standard input ends.

http  GET /text, /json, /form…: what came is appended to FOLDER/requests, one JSON text per line
        /echo     the request as JSON: method, path, headers, body
        /status/N an answer with that status
        /ready    404 until FOLDER/ready is there, then {"state": "done"}
        /large/N  N bytes
        /moved    a redirect to /echo
        /slow     an answer that never ends
smtp  a server that takes every message: FOLDER/mail-N has the envelope's lines, an empty line, and the message;
      an address that begins with "nobody" is refused
"""
import base64
import http.server
import json
import os
import socketserver
import sys
import threading

folder = sys.argv[2]


class Http(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        request = {"method": self.command, "path": self.path, "headers": dict(self.headers.items()), "body": body}
        with open(os.path.join(folder, "requests"), "a", encoding="utf-8") as f:
            f.write(json.dumps(request) + "\n")
        path = self.path.split("?")[0].strip("/").split("/")
        if path[0] == "echo":
            self.answer(200, json.dumps(request).encode(), [("Content-Type", "application/json")])
        elif path[0] == "status":
            self.answer(int(path[1]), b"said %s" % path[1].encode())
        elif path[0] == "ready":
            ready = os.path.exists(os.path.join(folder, "ready"))
            self.answer(200 if ready else 404, b'{"state": "done"}' if ready else b"not yet")
        elif path[0] == "large":
            self.answer(200, b"x" * int(path[1]))
        elif path[0] == "moved":
            self.answer(302, b"", [("Location", "/echo")])
        elif path[0] == "slow":
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            threading.Event().wait()
        else:
            self.answer(404, b"no such path")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any

    def log_message(self, *args):
        pass


class Smtp(socketserver.StreamRequestHandler):
    count = 0

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        envelope = []
        self.say("220 test")
        for line in iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ""):
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                self.say("250-test")
                self.say("250 AUTH PLAIN")
            elif word == "AUTH":
                given = line.split(" ")[2] if line.count(" ") > 1 else self.challenge()
                envelope.append("AUTH " + base64.b64decode(given).decode().replace("\0", "/"))
                self.say("235 welcome")
            elif word == "RCPT" and "<nobody" in line.lower():
                self.say("550 no such person")
            elif word == "DATA":
                self.say("354 go on")
                self.keep(envelope)
                self.say("250 kept")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                envelope.append(line)
                self.say("250 good")

    def challenge(self):
        self.say("334 ")
        return self.rfile.readline().decode().strip()

    def keep(self, envelope):
        lines = []
        for line in iter(self.rfile.readline, b".\r\n"):
            lines.append(line[1:] if line.startswith(b"..") else line)
        Smtp.count += 1
        with open(os.path.join(folder, f"mail-{Smtp.count}"), "wb") as f:
            f.write("\n".join(envelope).encode() + b"\n\n" + b"".join(lines))


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        """A client that goes away in the middle is what some tests want."""


server = Server(("127.0.0.1", 0), {"http": Http, "smtp": Smtp}[sys.argv[1]])
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(os.path.join(folder, "port.new"), "w", encoding="ascii") as f:
    f.write(str(server.server_address[1]))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
sys.stdin.read()

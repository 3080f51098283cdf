# SPDX-License-Identifier: MIT
"""Bad peers: rows of the catalogue of bad inputs, each with the answer that it has to get.

A row is played on connections of its own, and raises AssertionError if it was answered otherwise; Ended means that the
server has ended the connection, which is an answer, too. That each row is answered to the byte is for the tests of the
catalogue: here the rows come again and again, and nothing may be left of them.
"""

import json
import os
import zlib

from wire import BINARY, CLOSE, PING, TEXT, UPGRADE, Ended, Peer, frame, head_of

ROWS = []  # (name, whether over TLS: None for both, play(address, tls))
ENGINE = "/socket.io/?EIO=4&transport="


def row(name, tls=None):
    def register(play):
        ROWS.append((name, tls, play))
        return play

    return register


def expect(got, *wanted):
    if got not in wanted:
        raise AssertionError(f"answered with {got}, wanted {' or '.join(map(str, wanted))}")


# ---- requests: what is sent, and the status ----------------------------------------------------

END = "\r\n"


def head(*fields, line="GET / HTTP/1.1", host="Host: x"):
    return END.join(part for part in (line, host, *fields) if part) + 2 * END


def handshake(*fields, left_out="", line="GET /echo HTTP/1.1"):
    return head(*(f"{name}: {value}" for name, value in UPGRADE.items() if name != left_out), *fields, line=line)


def post(*fields):
    return head(*fields, line="POST /body HTTP/1.1")


REQUESTS = {
    "15 a PROXY header": ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n\r\n", 400),
    "18 HTTP/2": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "39 a leading NUL": ("\0" + head(), 400),
    "40 a bare LF": ("GET / HTTP/1.1\nHost: x\r\n\r\n", 400),
    "41 NUL in a value": (head("A: b\0c"), 400),
    "42 a blank before the colon": (head(host="Host : x"), 400),
    "43 no Host": (head(host=""), 400),
    "43 two Hosts": (head("Host: x"), 400),
    "44 a long request line": (head(line=f"GET /{'x' * 8200} HTTP/1.1"), 414),
    "45 a long header line": (head("A: " + "x" * 8200), 431),
    "45 101 header lines": (head(*["A: b"] * 100), 431),
    "46 a method with @": (head(line="G@T / HTTP/1.1"), 400),
    "47 POST with Upgrade": (handshake(line="POST /echo HTTP/1.1"), 405),
    "49 HTTP/1.0 upgrade": (handshake(line="GET /echo HTTP/1.0"), 400),
    "50 a target with %zz": (head(line="GET /%zz HTTP/1.1"), 400),
    "51 both lengths": (post("Content-Length: 1", "Transfer-Encoding: chunked"), 400),
    "52 two lengths": (post("Content-Length: 1", "Content-Length: 2"), 400),
    "53 a length below 0": (post("Content-Length: -1"), 400),
    "54 another encoding": (post("Transfer-Encoding: xchunked"), 501),
    "55 a chunk of -1": (post("Transfer-Encoding: chunked") + "-1\r\n", 400),
    "58 an odd Expect": (post("Content-Length: 1", "Expect: x"), 417),
    "59 an upgrade with a body": (handshake("Content-Length: 5") + "hello", 400),
    "66 TRACE": (head(line="TRACE / HTTP/1.1"), 405),
    "67 no Upgrade": (head(line="GET /echo HTTP/1.1"), 426),
    "69 no Connection": (handshake(left_out="Connection"), 400),
    "72 no key": (handshake(left_out="Sec-WebSocket-Key"), 400),
    "73 a short key": (handshake("Sec-WebSocket-Key: AAAA", left_out="Sec-WebSocket-Key"), 400),
    "74 version 8": (handshake("Sec-WebSocket-Version: 8", left_out="Sec-WebSocket-Version"), 426),
    "76 a foreign Origin": (handshake("Origin: https://evil.example"), 403),
    "79 a subprotocol with a blank": (handshake("Sec-WebSocket-Protocol: a b"), 400),
    "83 broken extensions": (handshake("Sec-WebSocket-Extensions: ;a"), 400),
    "84 17 extensions": (handshake("Sec-WebSocket-Extensions: " + ", ".join("a" * 17)), 400),
    "86 an unknown path": (handshake(line="GET /ws/../x HTTP/1.1"), 404),
}


def request_row(name, text, status):
    @row(name)
    def _(address, tls):
        with Peer(address, tls) as peer:
            peer.send(text.encode("latin-1"))
            expect(peer.answer()[0], status)
            peer.wait_for_end()


for NAME, (SENT, STATUS) in REQUESTS.items():
    request_row(NAME, SENT, STATUS)

# ---- frames: what is sent, and the code of the Close -------------------------------------------

FRAMES = {
    "106 RSV2": (frame(TEXT, b"x", first=0xA0), 1002),
    "107 RSV1": (frame(TEXT, b"x", first=0xC0), 1002),
    "109 opcode 3": (frame(3, b"x"), 1002),
    "109 opcode B": (frame(11, b"x"), 1002),
    "110 a length in 16 bits that fits 7": (b"\x82\xfe\0\x05" + bytes(9), 1002),
    "111 a length in 64 bits that fits 16": (b"\x82\xff" + bytes(6) + b"\xff\xff", 1002),
    "112 a length with its first bit": (b"\x82\xff\x80" + bytes(7), 1002),
    "113 an endless length": (b"\x82\xff\x7f" + b"\xff" * 7, 1009),
    "114 more than a message may have": (b"\x82\xff" + ((1 << 20) + 1).to_bytes(8, "big") + bytes(4), 1009),
    "115 the same in two fragments": (frame(BINARY, b"x", first=0) + b"\x80\xff\x7f" + b"\xff" * 7, 1009),
    "123 no mask": (frame(TEXT, b"hello", mask=False), 1002),
    "131 a ping of 126": (frame(PING, bytes(126)), 1002),
    "132 a ping in fragments": (frame(PING, b"x", first=0), 1002),
    "134 1,001 pings": (frame(PING) * 1001, 1008),
    "141 a Close of 1": (frame(CLOSE, b"x"), 1002),
    "142 a Close with 1005": (frame(CLOSE, b"\x03\xed"), 1002),
    "142 a Close with 65535": (frame(CLOSE, b"\xff\xff"), 1002),
    "144 a reason that is no UTF-8": (frame(CLOSE, b"\x03\xe8\xc0\x80"), 1007),
    "151 a continuation of nothing": (frame(0, b"x"), 1002),
    "152 a message within a message": (frame(TEXT, b"x", first=0) + frame(TEXT, b"y"), 1002),
    "154 too many fragments": (frame(BINARY, first=0) + frame(0, first=0) * 1024, 1008),
    "160 an overlong character": (frame(TEXT, b"\xc0\x80"), 1007),
    "161 a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "162 beyond Unicode": (frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "163 half a character": (frame(TEXT, b"\xe2\x82"), 1007),
    "165 half of it in each fragment, and wrong": (frame(TEXT, b"x\xf4", first=0) + frame(0, b"\x90", first=0), 1007),
    "169 one bad byte in much ASCII": (frame(TEXT, b"a" * 4000 + b"\xff" + b"a" * 4000), 1007),
}


def raw_deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


COMPRESSED = {
    "180 a bomb": (frame(BINARY, raw_deflate(bytes(10 << 20)), first=0xC0), 1009),
    "183 a block of type 3": (frame(TEXT, b"\x07\xff\xff", first=0xC0), 1007),
    "184 half a stream": (frame(TEXT, raw_deflate(os.urandom(300))[:200], first=0xC0), 1007),
    "195 compressed, and no UTF-8": (frame(TEXT, raw_deflate(b"\xff" * 50), first=0xC0), 1007),
}


def frames_row(name, sent, code, fields=()):
    @row(name)
    def _(address, tls):
        with Peer(address, tls) as peer:
            peer.upgrade("/echo", fields)
            peer.send(sent)
            expect(peer.close_code(), code)
            peer.send(frame(CLOSE, code.to_bytes(2, "big")))
            peer.wait_for_end()


for NAME, (SENT, CODE) in FRAMES.items():
    frames_row(NAME, SENT, CODE)
for NAME, (SENT, CODE) in COMPRESSED.items():
    frames_row(NAME, SENT, CODE, {"Sec-WebSocket-Extensions": "permessage-deflate"})

# ---- Engine.IO: a request, or one to a session, and the status --------------------------------


STRANGERS = {
    "197 Engine.IO of another version": ("GET", "/socket.io/?EIO=5&transport=polling", b""),
    "198 an unknown transport": ("GET", ENGINE + "__proto__", b""),
    "200 POST without a session": ("POST", ENGINE + "polling", b"4hello"),
    "201 an unknown session": ("GET", ENGINE + "polling&sid=__proto__", b""),
}


def stranger_row(name, method, target, body):
    @row(name)
    def _(address, tls):
        with Peer(address, tls) as peer:
            peer.ask(method, target, body=body)
            expect(peer.answer()[0], 400)


for NAME, ASKED in STRANGERS.items():
    stranger_row(NAME, *ASKED)


@row("215 a body that is too long")
def _(address, tls):
    with Peer(address, tls) as peer:
        target = open_session(peer)
        peer.ask("POST", target, {"Content-Length": "1000001"})
        expect(peer.answer()[0], 413)
        peer.wait_for_end()


def open_session(peer):
    peer.ask("GET", ENGINE + "polling")
    status, body = peer.answer()
    expect(status, 200)
    return ENGINE + "polling&sid=" + json.loads(body[1:])["sid"]


BODIES = {
    "206 a client's ping": (b"2probe", 400),
    "211 no packet": (b"abc", 400),
    "218 an empty packet": (b"4a\x1e\x1e4b", 400),
    "218 an empty body": (b"", 400),
    "219 4,097 packets": (b"\x1e".join([b"4"] * 4097), 400),
    "220 bad base64": (b"bA=A", 400),
    "222 no UTF-8": (b"4\xff", 400),
    "237 no packet of Socket.IO": (b"4abc", 200),
}


def body_row(name, body, status):
    @row(name)
    def _(address, tls):
        with Peer(address, tls) as peer:
            target = open_session(peer)
            peer.ask("POST", target, body=body)
            expect(peer.answer()[0], status)
            with Peer(address, tls) as other:  # A refusal may end the connection, and has ended the session.
                other.ask("GET", target)
                next_status, answer = other.answer()
                expect(next_status if next_status == 400 else answer, 400, b"1", b"6", b"1\x1e6")


for NAME, (SENT, STATUS) in BODIES.items():
    body_row(NAME, SENT, STATUS)


@row("212 two GETs at once")
def _(address, tls):
    with Peer(address, tls) as peer, Peer(address, tls) as other:
        target = open_session(peer)
        peer.ask("GET", target)
        other.ask("GET", target)
        expect(sorted((peer.answer()[0], other.answer()[0])), [200, 400], [400, 400])


@row("214 bytes in a body of text")
def _(address, tls):
    with Peer(address, tls) as peer:
        target = open_session(peer)
        peer.ask("POST", target, {"Content-Type": "application/octet-stream"}, b"4x")
        expect(peer.answer()[0], 400)


@row("227 PUT")
def _(address, tls):
    with Peer(address, tls) as peer:
        target = open_session(peer)
        peer.ask("PUT", target, body=b"4x")
        expect(peer.answer()[0], 405)


@row("230 an upgrade without a probe")
def _(address, tls):
    with Peer(address, tls) as peer, Peer(address, tls) as other:
        target = open_session(peer)
        other.upgrade(target.replace("transport=polling", "transport=websocket"))
        other.send(frame(TEXT, b"4hi"))
        other.close_code()
        peer.ask("POST", target, body=b"1")  # The session is still there, to say goodbye.
        expect(peer.answer()[0], 200)


# ---- Socket.IO: packets over a WebSocket, behind CONNECT; each ends the session ---------------

PACKETS = {
    "237 type 7": "47",
    "238 an event that is no array": "42{}",
    "238 an empty event": "42[]",
    "238 an event that breaks off": "42[1",
    "239 letters for a number": '42abc["x"]',
    "240 an object for a name": '42[{"toString":1}]',
    "241 a reserved name": '42["disconnecting"]',
    "242 CONNECT twice": "40",
    "245 CONNECT with an array": "40/x,[]",
    "247 an event to where it is not": '42/nowhere,["x"]',
    "249 a number of 30 digits": '42' + "9" * 30 + '["x"]',
    "251 65 arrays in each other": "42" + "[" * 65 + '"x"' + "]" * 65,
    "251 bytes behind the JSON": '42["x"]x',
    "252 attachments of -": '45-["x"]',
    "253 11 attachments": '4511-["x"]',
    "255 text in place of an attachment": '451-["x",{"_placeholder":true,"num":0}]\0' + '42["x"]',
    "258 no such attachment": '451-["x",{"_placeholder":true,"num":-1}]\0B',
}


def open_socket(peer):
    peer.upgrade(ENGINE + "websocket")
    peer.receive()
    peer.send(frame(TEXT, b"40"))
    while not peer.receive()[1].startswith(b"40{"):
        pass


def packets_row(name, packets):
    @row(name)
    def _(address, tls):
        with Peer(address, tls) as peer:
            open_socket(peer)
            for packet in packets.split("\0"):
                peer.send(frame(BINARY if packet == "B" else TEXT, packet.encode()))
            peer.close_code()


for NAME, SENT in PACKETS.items():
    packets_row(NAME, SENT)

# ---- who is late, or goes at once --------------------------------------------------------------


@row("1 not a byte")
def _(address, tls):
    with Peer(address, False) as peer:
        peer.wait_for_end()


@row("2 an end at once")
def _(address, tls):
    with Peer(address, False) as peer:
        peer.finish()
        peer.wait_for_end()


@row("3 a reset at once")
def _(address, tls):
    Peer(address, False).reset()


@row("11 a head that never ends")
def _(address, tls):
    with Peer(address, tls) as peer:
        peer.send(b"GET / HTTP/1.1\r\nHost: x\r\nA: ")
        expect(peer.answer()[0], 408)


@row("12 a handshake and an end")
def _(address, tls):
    with Peer(address, tls) as peer:
        peer.ask("GET", "/echo", UPGRADE)
        peer.finish()
        peer.wait_for_end()


@row("14 one who does not read")
def _(address, tls):
    with Peer(address, tls) as peer:
        peer.upgrade("/echo")
        # To read would let it go on. Sending fails when the server has given up.
        while True:
            peer.send(frame(BINARY, bytes(60000)))


@row("17 TLS to a plain port", tls=False)
def _(address, tls):
    with Peer(address, False) as peer:
        peer.send(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + os.urandom(32))
        expect(peer.answer()[0], 400)


@row("21 a handshake of 16 MiB", tls=True)
def _(address, tls):
    with Peer(address, False) as peer:
        peer.send(b"\x16\x03\x01\x40\0\x01\xff\xff\xff\x03\x03" + bytes(16000))
        peer.wait_for_end()


@row("22 HTTP to a TLS port", tls=True)
def _(address, tls):
    with Peer(address, False) as peer:
        peer.send(head_of("GET / HTTP/1.1", {"Host": "x"}))
        peer.wait_for_end()


@row("117 the longest frame, then silence")
def _(address, tls):
    with Peer(address, tls) as peer:
        peer.upgrade("/echo")
        peer.send(b"\x82\xff" + (1 << 20).to_bytes(8, "big") + bytes(4))
        expect(peer.close_code(), 1008)


@row("147 a Close that is not answered")
def _(address, tls):
    with Peer(address, tls) as peer:
        peer.upgrade("/echo")
        peer.send(frame(3))
        peer.wait_for_end()


@row("148 a reset within a frame")
def _(address, tls):
    with Peer(address, tls) as peer:
        peer.upgrade("/echo")
        peer.send(frame(BINARY, bytes(50000))[:30000])
        peer.reset()


@row("148 an end within a frame")
def _(address, tls):
    with Peer(address, tls) as peer:
        peer.upgrade("/echo")
        peer.send(frame(BINARY, bytes(50000))[:30000])
        peer.finish()
        peer.wait_for_end()


@row("158 an end between fragments")
def _(address, tls):
    with Peer(address, tls) as peer:
        peer.upgrade("/echo")
        peer.send(frame(BINARY, bytes(50000), first=0) * 5)
        peer.finish()
        peer.wait_for_end()


@row("209 a session that nobody polls")
def _(address, tls):
    with Peer(address, tls) as peer:
        open_session(peer)


@row("216 half a body")
def _(address, tls):
    with Peer(address, tls) as peer:
        target = open_session(peer)
        peer.ask("POST", target, {"Content-Length": "10"}, b"4half")
        peer.finish()
        peer.wait_for_end()


@row("217 a body that never ends")
def _(address, tls):
    with Peer(address, tls) as peer:
        target = open_session(peer)
        peer.ask("POST", target, {"Content-Length": "10"}, b"4half")
        expect(peer.answer()[0], 408)


@row("226 a GET that is given up")
def _(address, tls):
    with Peer(address, tls) as peer, Peer(address, tls) as other:
        target = open_session(peer)
        other.ask("GET", target)
        other.reset()


@row("229 an upgrade without a word")
def _(address, tls):
    with Peer(address, tls) as peer, Peer(address, tls) as other:
        target = open_session(peer)
        other.upgrade(target.replace("transport=polling", "transport=websocket"))
        other.close_code()


@row("243 no CONNECT")
def _(address, tls):
    with Peer(address, tls) as peer:
        peer.upgrade(ENGINE + "websocket")
        peer.close_code()


@row("256 an attachment that does not come")
def _(address, tls):
    with Peer(address, tls) as peer:
        open_socket(peer)
        peer.send(frame(TEXT, b'451-["x",{"_placeholder":true,"num":0}]'))
        peer.close_code()


def play(index, address, tls):
    """The row's name, and what was wrong with the answer: None if nothing was."""
    name, _, function = ROWS[index]
    try:
        function(address, tls)
    except Ended:
        pass
    except AssertionError as error:
        return name, str(error)
    except OSError as error:
        return name, f"{type(error).__name__}: {error}"
    return name, None

# SPDX-License-Identifier: MIT
"""The ledger: how "nothing lost" is measured.

Every message says whose it is, its number, its length and the checksum of what follows:

    >III   connection, number, length of the rest
    >I     crc32 of the rest
    rest   bytes that only this message has

One end makes messages, the other takes them. What is taken has to be an exact prefix of what was made:
no gap, none twice, none out of order, none damaged. Whether the prefix must be everything is for the
test to say (`missing`).
"""

import struct
import zlib

HEAD = struct.Struct(">IIII")


class Broken(AssertionError):
    """The ledgers of both ends disagree."""


class Ledger:
    def __init__(self):
        self.made = {}  # by connection: how many
        self.taken = {}
        self.bytes = 0

    def make(self, connection, rest_bytes=48):
        number = self.made.get(connection, 0)
        self.made[connection] = number + 1
        seed = HEAD.pack(connection, number, rest_bytes, 0xFFFFFFFF)
        rest = (seed * (rest_bytes // len(seed) + 1))[:rest_bytes]
        return HEAD.pack(connection, number, rest_bytes, zlib.crc32(rest)) + rest

    def take(self, connection, message):
        if len(message) < HEAD.size:
            raise Broken(f"connection {connection}: {len(message)} bytes are no message")
        whose, number, length, checksum = HEAD.unpack_from(message)
        rest = message[HEAD.size :]
        if len(rest) != length or zlib.crc32(rest) != checksum:
            raise Broken(f"connection {connection}: message {number} is damaged")
        wanted = self.taken.get((connection, whose), 0)
        if number != wanted:
            raise Broken(f"connection {connection}: number {number} of {whose} came in place of {wanted}")
        self.taken[connection, whose] = wanted + 1
        self.bytes += len(message)

    def missing(self, connection):
        """Of its own messages, those that have not come back to it."""
        return self.made.get(connection, 0) - self.taken.get((connection, connection), 0)

    def total_made(self):
        return sum(self.made.values())

    def total_taken(self):
        return sum(self.taken.values())

    def all_missing(self):
        return sum(self.missing(connection) for connection in self.made)

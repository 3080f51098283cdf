# SPDX-License-Identifier: MIT
"""The certificates that certificates.sh makes, in a folder of this script's own."""

import os
import pathlib
import ssl
import subprocess
import tempfile

FOLDER = tempfile.TemporaryDirectory(prefix="hilo-certificates-")


def make():
    """Before the first case."""
    script = pathlib.Path(__file__).with_name("certificates.sh")
    subprocess.run(["sh", script, FOLDER.name], check=True)


def file(name):
    """The path of what has this name in the folder, or is to have it."""
    return os.path.join(FOLDER.name, name)


def certificate(name):
    """The flags of `hilo serve` that show this certificate."""
    return ["--tls-cert", file(f"{name}.pem"), "--tls-key", file(f"{name}.key")]


def client_context(**options):
    """Believes whom the CA of these tests has signed; `options` are attributes of the context."""
    context = ssl.create_default_context(cafile=file("ca.pem"))
    for name, value in options.items():
        setattr(context, name, value)
    return context

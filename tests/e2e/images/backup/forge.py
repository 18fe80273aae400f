"""Puts a lock that no living restic would write into a repository behind a REST server.

    forge.py lock HOSTNAME AGE_SECONDS    a sound lock (a negative age is in the future)
    forge.py noise                        random bytes under their right name

The repository comes from RESTIC_REPOSITORY and RESTIC_PASSWORD. Prints the lock's ID. The bytes are
those of restic's chapter "References / Design": IV, AES-256-CTR, Poly1305-AES.
"""

import base64
import hashlib
import json
import os
import sys
import urllib.request
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.poly1305 import Poly1305

URL = os.environ["RESTIC_REPOSITORY"].removeprefix("rest:").rstrip("/")


def get(path, accept="*/*"):
    with urllib.request.urlopen(
        urllib.request.Request(f"{URL}/{path}", headers={"Accept": accept})
    ) as answer:
        return answer.read()


def apply_keystream(key, iv, data):
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(data)


def mac(k, r, iv, data):
    block = Cipher(algorithms.AES(k), modes.ECB()).encryptor().update(iv)
    return Poly1305.generate_tag(r + block, data)


def master_key():
    names = json.loads(get("keys/", "application/vnd.x.restic.rest.v2"))
    key = json.loads(get("keys/" + names[0]["name"]))
    derived = Scrypt(
        salt=base64.b64decode(key["salt"]), length=64, n=key["N"], r=key["r"], p=key["p"]
    ).derive(os.environ["RESTIC_PASSWORD"].encode())
    data = base64.b64decode(key["data"])
    iv, sealed, tag = data[:16], data[16:-16], data[-16:]
    if mac(derived[32:48], derived[48:64], iv, sealed) != tag:
        sys.exit("the password does not fit")
    opened = json.loads(apply_keystream(derived[:32], iv, sealed))
    return [
        base64.b64decode(part)
        for part in (opened["encrypt"], opened["mac"]["k"], opened["mac"]["r"])
    ]


def lock(hostname, age):
    encrypt, k, r = master_key()
    time = datetime.now(UTC) - timedelta(seconds=age)
    content = {
        "time": time.isoformat(),
        "exclusive": False,
        "hostname": hostname,
        "username": "root",
        "pid": 7,
    }
    iv = os.urandom(16)
    sealed = apply_keystream(encrypt, iv, json.dumps(content).encode())
    return iv + sealed + mac(k, r, iv, sealed)


stored = os.urandom(150) if sys.argv[1] == "noise" else lock(sys.argv[2], float(sys.argv[3]))
name = hashlib.sha256(stored).hexdigest()
urllib.request.urlopen(
    urllib.request.Request(f"{URL}/locks/{name}", data=stored, method="POST")
).close()
print(name)

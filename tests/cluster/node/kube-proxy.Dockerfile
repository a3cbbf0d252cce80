# kube-proxy writes packet filter rules with the commands of its base.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY kube-proxy /usr/local/bin/kube-proxy

#!/usr/bin/env bash
# The suite on the lowest LiteLLM that we support and on the newest that can be installed. Both pin companions that the
# package index does not serve, so those pins are overridden, and no others: a later litellm-enterprise does not fit the
# lowest. The newest brings openai 3.
# Usage: make matrix, or MATRIX="newest" PYTEST="tests/gateway" make matrix
set -euo pipefail
cd "$(dirname "$0")"
uv=${UV:-.venv/bin/uv} python=${PYTHON:-.venv/bin/python}
declare -A version=([lowest]=1.104.0 [newest]=1.110.2)
declare -A overrides=(
  [lowest]="certifi>=2026.1|litellm-proxy-extras>=0.4.100"
  [newest]="certifi>=2026.1|litellm-proxy-extras>=0.4.100|litellm-enterprise>=0.1.79|litellm-proxy; python_version < '3'"
)
suite=(-m pytest)
[ -z "${SECOND_CHANCE:-}" ] || suite=(.ci/second_chance.py)
failed=()
for name in ${MATRIX:-lowest newest}; do
  home=.matrix/$name
  echo "== LiteLLM ${version[$name]} ($name)"
  mkdir -p .matrix
  tr '|' '\n' <<< "${overrides[$name]}" > ".matrix/$name.txt"
  [ -x "$home/bin/python" ] || "$uv" venv --quiet --python "$python" "$home"
  "$uv" pip install --quiet --compile-bytecode --python "$home/bin/python" --override ".matrix/$name.txt" \
    --editable . --group dev "litellm[proxy]==${version[$name]}"
  "$home/bin/python" -c 'import importlib.metadata as m; print("litellm", m.version("litellm"), "openai", m.version("openai"))'
  # shellcheck disable=SC2086 - several paths may be given
  "$home/bin/python" "${suite[@]}" -q -n 2 --dist loadgroup -m "not browser and not postgres" ${PYTEST:-} || failed+=("$name")
done
if [ ${#failed[@]} -gt 0 ]; then echo "== failed on: ${failed[*]}"; exit 1; fi
echo "== passed on: ${MATRIX:-lowest newest}"

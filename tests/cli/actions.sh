#!/usr/bin/env bash
# Tasks that speak to others: HTTP requests and mail, against small servers of the test's own.
. "$(dirname "$0")/lib.sh"
plan 32

bare_project "$P"
mkdir -p "$P/dags/d" "$tmp/http" "$tmp/smtp"
# serve KIND: a server that leaves when the test does; its port is $port
serve() {
  mkfifo "$tmp/$1/stay"
  python3 "$root/tests/tools/servers.py" "$1" "$tmp/$1" <"$tmp/$1/stay" &
  exec {stay}>"$tmp/$1/stay"
  until [ -e "$tmp/$1/port" ]; do read -rt 0.02 <> <(:); done
  port=$(cat "$tmp/$1/port")
}
serve http
export no_proxy=127.0.0.1
cat >>"$P/connections.yaml" <<Y
api:
  conn_type: http
  host: 127.0.0.1
  port: $port
  login: user
  password: hush-hush
  extra: {X-Client: daymill, X-Token: very-secret}
dead: http://127.0.0.1:1
Y
cat >"$P/dags/d/d.yaml" <<Y
default: {start_date: 2024-01-01, schedule: "@daily", default_args: {retries: 0, http_conn_id: api}}
requests:
  tasks:
    - task_id: get
      operator: SimpleHttpOperator
      method: GET
      endpoint: echo
      data: {day: "{{ ds }}", list: [1, 2], flag: true, none: null}
      headers: {X-Day: "{{ ds }}", X-Password: of-the-task}
    - {task_id: form, operator: airflow.providers.http.operators.http.HttpOperator, endpoint: /echo, data: {a: "x y", b: "ü&"}}
    - {task_id: text, operator: http, endpoint: echo, method: put, data: '{"ds": "{{ ds }}"}', headers: {Content-Type: application/json}}
    - {task_id: json, operator: http, endpoint: echo, request_kwargs: {json: {day: "{{ ds }}"}, params: {q: 1}}}
    - {task_id: url, operator: http, endpoint: "http://127.0.0.1:$port/moved", method: GET}
    - {task_id: checked, operator: http, endpoint: echo, response_check: "{{ response.status_code == 200 and response.json.method == 'POST' and ds in '2024-01-01' }}"}
    - {task_id: tolerated, operator: http, endpoint: status/500, extra_options: {check_response: false}, log_response: true}
    - {task_id: pulled, operator: bash, bash_command: "echo '{{ macros.json.loads(ti.xcom_pull('form')).body }}'", dependencies: [form]}
failing:
  default_args: {operator: http, method: GET}
  tasks:
    - {task_id: status, endpoint: status/503}
    - {task_id: unchecked, endpoint: echo, response_check: "{{ response.json.path == '/other' }}"}
    - {task_id: refused, endpoint: x, http_conn_id: dead}
    - {task_id: slow, endpoint: slow, extra_options: {timeout: 1}}
    - {task_id: large, endpoint: large/40000000}
    - {task_id: redirect, endpoint: moved, extra_options: {max_redirects: 0}, response_check: "{{ response.status_code == 302 }}"}
Y
run daymill check
code "requests load" 0
run daymill dags test requests 2024-01-01
code "and are sent" 0
asked() { python3 - "$tmp/http/requests" "$1" <<'PY'
import json, sys
for line in open(sys.argv[1]):
    r = json.loads(line)
    h = {k.lower(): v for k, v in r["headers"].items()}
    if eval(sys.argv[2]):
        print(r["method"], r["path"], h.get("content-type"), r["body"])
PY
}
is "GET takes data as parameters, as Python writes them" "$(asked '"X-Day" in r["headers"]')" "GET /echo?day=2024-01-01&list=1&list=2&flag=True None "
is "login, and headers of the connection and the task" \
  "$(asked 'h.get("x-client") == "daymill" and h.get("x-token") == "very-secret" and h["authorization"].startswith("Basic ") and h.get("x-password")')" \
  "$(asked '"X-Day" in r["headers"]')"
is "a map is a form" "$(asked '"x+y" in r["body"]')" "POST /echo application/x-www-form-urlencoded a=x+y&b=%C3%BC%26"
is "a text goes as it is" "$(asked 'r["method"] == "PUT"')" 'PUT /echo application/json {"ds": "2024-01-01"}'
is "JSON, and parameters beside it" "$(asked 'r["path"] == "/echo?q=1"')" 'POST /echo?q=1 application/json {"day": "2024-01-01"}'
is "a whole URL needs no connection, and redirects are followed" "$(asked 'r["method"] == "GET" and "authorization" not in h' | tr '\n' ' ')" "GET /moved None  GET /echo None  "
run daymill tasks logs requests tolerated 2024-01-01
has "the answer goes to the log where asked for" "$out" "said 500"
run daymill tasks logs requests pulled 2024-01-01
has "and is the XCom value" "$out" "a=x+y"
is "secrets are nowhere in the project" "$(grep -rlE 'hush-hush|very-secret|of-the-task' "$P/logs")" ""
run daymill tasks render requests get 2024-01-01
lacks "nor in rendered fields" "$out" of-the-task

run daymill dags test failing 2024-01-01
run daymill runs show failing 2024-01-01
has "a status is the error" "$out" "status, try 1: 503:Service Unavailable"
has "with what was answered" "$out" "said 503"
has "so is a check that is not true" "$out" "unchecked, try 1: response_check is not true"
has "and a server that is not there" "$out" "refused, try 1: http://127.0.0.1:1/x: "
has "and one that stops talking" "$out" "slow, try 1: http://127.0.0.1:$port/slow: nothing came for 1.0 s"
has "and an answer beyond the limit, with its name" "$out" "DM_HTTP_BODY_MAX"
is "redirects can be left alone" "$(grep -c '^redirect  *success' <<<"$out")" 1

cat >"$P/dags/e.yaml" <<'Y'
e:
  start_date: 2024-01-01
  tasks:
    - {task_id: a, operator: http, endpoint: x, response_filter: json.loads}
    - {task_id: b, operator: http, endpoint: x, extra_options: {time_out: 3}}
    - {task_id: c, operator: http, endpoint: x, response_check: "{{ response. }}"}
Y
run daymill check
is "what cannot work is found at load" "$(grep -c 'error:' <<<"$out$err")" 3
has "with what is meant" "$out$err" 'Did you mean "timeout"?'

cat >"$P/dags/e.yaml" <<'Y'
default: {start_date: 2024-01-01, default_args: {retries: 0, operator: HttpSensor, http_conn_id: api, poke_interval: 0.05}}
waiting:
  tasks:
    - {task_id: wait, endpoint: ready, request_params: {day: "{{ ds }}"}, response_check: "{{ response.json.state == 'done' }}"}
    - {task_id: make, operator: bash, bash_command: "until grep -q 'ready?day=2024-01-01' requests; do sleep 0.02; done; touch ready", cwd: HTTP}
hopeless:
  tasks:
    - {task_id: error, endpoint: status/500}
    - {task_id: late, endpoint: status/404, timeout: 0.1}
Y
sed -i "s|HTTP|$tmp/http|" "$P/dags/e.yaml"
run daymill dags test waiting 2024-01-01
code "a sensor asks until the answer is good" 0
run daymill dags test hopeless 2024-01-01
run daymill runs show hopeless 2024-01-01
has "an error that is not among those of its list ends it" "$out" "error, try 1: 500:Internal Server Error"
has "as does its timeout" "$out" "404:Not Found"

# ---- mail
serve smtp
cat >>"$P/connections.yaml" <<Y
smtp_default: {conn_type: smtp, host: 127.0.0.1, port: $port, login: robot, password: hush-hush, extra: {disable_ssl: true, disable_tls: true, from_email: "Tägliche Läufe <robot@example.org>"}}
secure: {conn_type: smtp, host: 127.0.0.1, port: $port, extra: {disable_ssl: true, from_email: a@example.org}}
Y
printf 'a,b\n1,2\n' >"$P/data/report ü.csv"
echo '<p>of {{ ds }}</p>' >"$P/dags/d/body.html"
cat >"$P/dags/e.yaml" <<'Y'
default: {start_date: 2024-01-01, default_args: {retries: 0, operator: EmailOperator, subject: "Überblick {{ ds }}", html_content: body.html}}
mail:
  tasks:
    - {task_id: send, to: "a@example.org, \"B, C\" <b@example.org>", cc: [c@example.org], bcc: d@example.org, files: ["data/report ü.csv"], custom_headers: {X-Run: "{{ run_id }}"}, html_content: d/body.html}
unsent:
  tasks:
    - {task_id: nobody, to: [a@example.org, nobody@example.org], html_content: x}
    - {task_id: astray, to: "not an address", html_content: x}
    - {task_id: insecure, to: a@example.org, conn_id: secure, html_content: x}
Y
run daymill dags test mail 2024-01-01
code "a mail is sent" 0
read_mail() { python3 - "$tmp/smtp/mail-1" "$1" <<'PY'
import email, email.policy, sys
envelope, message = open(sys.argv[1], "rb").read().split(b"\n\n", 1)
envelope = envelope.decode()
m = email.message_from_bytes(message, policy=email.policy.default)
print(eval(sys.argv[2]))
PY
}
is "to all of them, with the connection's login" "$(read_mail '" ".join(w.split("<")[-1].split(">")[0] for w in envelope.split(chr(10)))')" \
  "AUTH /robot/hush-hush robot@example.org a@example.org b@example.org c@example.org d@example.org"
is "its headers" "$(read_mail '[m["from"], m["to"], m["cc"], m["bcc"], m["subject"], m["x-run"]]')" \
  "['Tägliche Läufe <robot@example.org>', 'a@example.org, \"B, C\" <b@example.org>', 'c@example.org', None, 'Überblick 2024-01-01', 'manual__2024-01-01T00:00:00+00:00']"
is "its text, from a template file" "$(read_mail 'next(p for p in m.walk() if p.get_content_type() == "text/html").get_content()')" "<p>of 2024-01-01</p>"
is "and its file" "$(read_mail '[(p.get_filename(), p.get_content()) for p in m.iter_attachments()]')" "[('report ü.csv', b'a,b\\n1,2\\n')]"
run daymill dags test unsent 2024-01-01
run daymill runs show unsent 2024-01-01
has "an address that the server refuses fails the task" "$out" "nobody, try 1: smtp://127.0.0.1:$port: RCPT failed: 550"
has "as does what is no address" "$out" 'astray, try 1: "not an address" is no mail address'
has "and a server that cannot do what the connection asks" "$out" "insecure, try 1: smtp://127.0.0.1:$port: "

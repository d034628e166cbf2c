#!/bin/sh
# Learn people's voices, then say who speaks in a conversation; needs curl alone.
#
#     TIMBRE_URL=http://127.0.0.1:8000 TIMBRE_KEY=sk_… sh tutorial.sh conversation.ogg Ada=ada.flac Ben=ben.flac
set -eu

fail() {
    echo "$*" >&2
    exit 1
}

# ask PATH STATUS [BODY]: put what the server says into $answer; any other status is an error
ask() {
    answer=$(curl -sS -w '%{http_code}' ${3:+--data "$3"} \
        -H "Authorization: Bearer $TIMBRE_KEY" -H 'Content-Type: application/json' "$TIMBRE_URL/v1/$1")
    case $answer in
        *"$2") answer=${answer%"$2"} ;;
        *) fail "$1: $answer" ;;
    esac
}

# text KEY: the first text of this name in $answer
text() {
    printf '%s' "$answer" | grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}

# upload FILE NAME
upload() {
    ask media/input 201 "{\"url\":\"media://tutorial/$2\"}"
    curl -sSf -o /dev/null --upload-file "$1" "$(text url)"
}

# finish KIND BODY: submit a job and wait until it has ended
finish() {
    ask "$1" 200 "$2"
    job=$(text jobId)
    while :; do
        ask "jobs/$job" 200
        case $(text status) in
            succeeded) return ;;
            failed | canceled) fail "$(text status): $(text error)" ;;
        esac
        sleep 0.5
    done
}

conversation=$1
shift
voiceprints=
for person in "$@"; do
    label=${person%%=*}
    upload "${person#*=}" "$label"
    finish voiceprint "{\"url\":\"media://tutorial/$label\"}"
    voiceprints="$voiceprints${voiceprints:+,}{\"label\":\"$label\",\"voiceprint\":\"$(text voiceprint)\"}"
done

upload "$conversation" conversation
finish identify \
    "{\"url\":\"media://tutorial/conversation\",\"voiceprints\":[$voiceprints],\"matching\":{\"threshold\":50}}"
printf '%s' "$answer" | grep -o '"identification":\[[^]]*\]' |
    grep -o '"speaker":"[^"]*","start":[0-9.]*,"end":[0-9.]*' |
    sed 's/"speaker":"\(.*\)","start":\(.*\),"end":\(.*\)/\1 \2 \3/' |
    while read -r name start end; do printf '%s %.3f %.3f\n' "$name" "$start" "$end"; done

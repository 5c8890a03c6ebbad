"""Every word that the page shows, and the language it shows them in."""

# ruff: noqa: RUF001 - Chinese punctuation is meant

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

_ENGLISH_ROOMS = {
    "room_hint": (
        "Enter sends, Shift+Enter breaks the line, the up arrow brings back the last message."
    ),
    "your_name": "Your name, as others see it",
    "join": "Join in",
    "change": "Change",
    "cancel": "Cancel",
    "rename": "Change your name",
    "named": "You are {name} now.",
    "bad_name": "Nobody can be called that here. Choose another name.",
    "here": "{count} here: {names}",
    "more": "{count} more",
    "writing_one": "{names} is writing…",
    "writing_some": "{names} are writing…",
    "writing_many": "Several people are writing…",
    "sending": "Sending…",
    "new": "New",
    "earlier": "Earlier messages",
    "gap": "Something may be missing here.",
}

ENGLISH = {
    "you": "You",
    "answer": "Answer",
    "messages": "Messages",
    "message": "Message",
    "send": "Send",
    "stop": "Stop",
    "hint": (
        "Enter sends, Shift+Enter breaks the line, the up arrow brings back the last message, "
        "Esc stops."
    ),
    "newest": "Go to the newest message",
    "address": "WebSocket address",
    "copy_address": "Copy",
    "copy_answer": "Copy",
    "copied": "Copied",
    "save": "Save as text",
    "clear_all": "Clear",
    "clear_really": "Really clear?",
    "cleared": "The conversation is cleared.",
    "round_trip": "Last answer after {ms} ms",
    "round_trip_pieces": "Last answer began after {first} ms, complete after {ms} ms",
    "connecting": "Connecting…",
    "connected": "Connected",
    "lost": "Connection lost. Connecting again…",
    "restarting": "The server is restarting. Connecting again…",
    "unreachable": "The server does not answer. Connecting again…",
    "refused": (
        "The server answers, but takes no connection: it may be full, or a proxy in front of it "
        "may not pass WebSockets on. Trying again…"
    ),
    "signed_out": "You are signed out, or may not come in here. Sign in again, then try again.",
    "not_allowed": (
        "Not allowed from this address: this page is at {page}, but the server was asked for "
        "{server}. Either the proxy passes the host on (nginx: proxy_set_header Host $host), or "
        "the application names this address: EchoChat(allowed_origins=[{origin}])."
    ),
    "not_allowed_null": (
        "Not allowed from here: this page is in a sandboxed frame and has no origin. Either the "
        'frame has sandbox="allow-same-origin" as well, or the application allows it: '
        'EchoChat(allowed_origins=["null"]).'
    ),
    "try_again": "Try again",
    "waiting": "Waiting for the connection",
    "writing": "Being written…",
    "incomplete": "Not complete",
    "stopped": "Stopped",
    "failed": "Not answered: {detail}",
    "reply_failed": "the answer could not be made",
    "send_again": "Send again",
    "slowed": (
        "Messages come faster than this chat takes them. The next answer waits for {seconds} s."
    ),
    "too_long": "Too long to send: {size} of at most {limit} bytes. Shorten it.",
    "no_script": "This chat needs JavaScript.",
    **_ENGLISH_ROOMS,
}
"""The page's words in English. What stands in braces is filled in by the page."""

_CHINESE_ROOMS = {
    "room_hint": "按 Enter 发送，Shift+Enter 换行，向上键找回上一条消息。",
    "your_name": "您的名字（其他人会看到）",
    "join": "加入",
    "change": "更改",
    "cancel": "取消",
    "rename": "更改名字",
    "named": "您现在的名字是{name}。",
    "bad_name": "不能使用这个名字，请换一个。",
    "here": "{count} 人在场：{names}",
    "more": "另外 {count} 人",
    "writing_one": "{names}正在输入…",
    "writing_some": "{names}正在输入…",
    "writing_many": "多人正在输入…",
    "sending": "正在发送…",
    "new": "新消息",
    "earlier": "更早的消息",
    "gap": "此处可能缺少一些消息。",
}

CHINESE = {
    "you": "我",
    "answer": "回答",
    "messages": "消息记录",
    "message": "消息",
    "send": "发送",
    "stop": "停止",
    "hint": "按 Enter 发送，Shift+Enter 换行，向上键找回上一条消息，Esc 停止回答。",
    "newest": "查看最新消息",
    "address": "WebSocket 地址",
    "copy_address": "复制",
    "copy_answer": "复制",
    "copied": "已复制",
    "save": "保存为文本",
    "clear_all": "清空",
    "clear_really": "确定清空？",
    "cleared": "对话已清空。",
    "round_trip": "上次回答用时 {ms} 毫秒",
    "round_trip_pieces": "上次回答：{first} 毫秒后开始，共用时 {ms} 毫秒",
    "connecting": "正在连接…",
    "connected": "已连接",
    "lost": "连接已断开，正在重新连接…",
    "restarting": "服务器正在重启，稍后自动重新连接…",
    "unreachable": "服务器没有响应，正在重新连接…",
    "refused": (
        "服务器有响应，但未接受连接：可能连接数已满，或前面的代理没有转发 WebSocket。正在重试…"
    ),
    "signed_out": "您已退出登录，或无权访问此处。请重新登录后再试。",
    "not_allowed": (
        "不允许从此地址连接：本页面位于 {page}，而服务器收到的请求主机是 {server}。"
        "请让代理转发主机名（nginx：proxy_set_header Host $host），"
        "或在应用中允许此地址：EchoChat(allowed_origins=[{origin}])。"
    ),
    "not_allowed_null": (
        "不允许从此处连接：本页面位于没有来源的沙盒框架中。"
        '请为框架加上 sandbox="allow-same-origin"，'
        '或在应用中允许：EchoChat(allowed_origins=["null"])。'
    ),
    "try_again": "重试",
    "waiting": "等待连接",
    "writing": "正在回答…",
    "incomplete": "回答不完整",
    "stopped": "已停止",
    "failed": "未能回答：{detail}",
    "reply_failed": "生成回答时出错",
    "send_again": "重新发送",
    "slowed": "消息发送过快，下一条回答需等待 {seconds} 秒。",
    "too_long": "消息过长，无法发送：当前 {size} 字节，上限 {limit} 字节。请缩短后再发送。",
    "no_script": "此聊天页面需要启用 JavaScript。",
    **_CHINESE_ROOMS,
}
"""The same in Chinese, in simplified characters."""

LANGUAGES = {"en": ENGLISH, "zh": CHINESE}
"""The packaged words by language tag (RFC 5646). The first is for whoever accepts none of them."""

# RFC 9110, section 12.5.4, with the weight of section 12.4.2.
_LANGUAGE_RANGE = re.compile(
    r"(?P<language>\*|[a-z]{1,8})(?:-[a-z0-9]{1,8})*"
    r"(?:[ \t]*;[ \t]*q=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    re.ASCII | re.IGNORECASE,
)
# Browsers send a handful of different headers; this is a bound on what others make up.
_KEPT_CHOICES = 256


@lru_cache(_KEPT_CHOICES)
def choose_language(accepted: str) -> str:
    """Return the tag of the language that an `Accept-Language` header prefers.

    A range matches by its first subtag, so that `zh-CN` gets Chinese and `en-GB` English. What is
    no language range is passed over.
    """
    weights: dict[str, float] = {}
    for item in accepted.split(","):
        match = _LANGUAGE_RANGE.fullmatch(item.strip())
        if match:
            language = match["language"].lower()
            # Of "zh-TW;q=0.9, zh-CN;q=0.8" the better one counts.
            weights[language] = max(weights.get(language, 0.0), float(match["weight"] or 1))
    others = weights.get("*", 0.0)
    accepted_ones = [tag for tag, weight in weights.items() if tag in LANGUAGES and weight > 0]
    unnamed = [tag for tag in LANGUAGES if tag not in weights]
    # `max` takes the first of equals, so what the header says first comes first.
    return max(
        [*accepted_ones, *unnamed],
        key=lambda tag: weights.get(tag, others),
        default=next(iter(LANGUAGES)),
    )


def replace_labels(
    labels: Mapping[str, str] | None, *, with_rooms: bool
) -> dict[str, dict[str, str]]:
    """Return the words of every language, with those of a host's in the place of ours.

    Args:
        labels: Text by the name of a label, for all languages alike.
        with_rooms: Whether the page is that of a chat with rooms; other pages do without its words.

    Raises:
        ValueError: A label is none of the page's, or its text no text.
    """
    replaced = {} if labels is None else labels
    if not isinstance(replaced, Mapping):
        raise ValueError(f"labels= takes a mapping from label to text, not {labels!r}")
    for name, text in replaced.items():
        if name not in ENGLISH:
            near = get_close_matches(str(name), ENGLISH) or sorted(ENGLISH)
            raise ValueError(
                f"labels= has {name!r}, which is no label of the page; there is "
                + ", ".join(map(repr, near))
            )
        if not isinstance(text, str):
            raise ValueError(f"labels= has {text!r} for {name!r}, which is no text")
    return {
        tag: {
            name: replaced.get(name, text)
            for name, text in words.items()
            if with_rooms or name not in _ENGLISH_ROOMS
        }
        for tag, words in LANGUAGES.items()
    }

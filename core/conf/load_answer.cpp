// `redirect` and `respond` of a location.
#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

// ---- redirect

void to(Loading& in, const KeyDoc& key, const Node& node, Redirect& into) {
    if (!in.read(key, node, into.to)) return;
    check_redirect(in, into.to);
}

void redirect_status(Loading& in, const KeyDoc& key, const Node& node, Redirect& into) {
    int status = 0;
    if (!in.read(key, node, status)) return;
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) {
        in.error(node.place, fmt::format("{} is not the status of a redirect", status),
                 "301 and 308 are for good, 302 and 307 for now (308 and 307 keep the method), 303 makes it "
                 "a GET");
        return;
    }
    into.status = status;
}

constexpr std::string_view kRedirects[] = {"301", "302", "303", "307", "308"};

constexpr Key<Redirect> kRedirectKeys[] = {
    {{.name = "to",
      .type = Type::Template,
      .example = "\"https://${host}${uri}\"",
      .doc = "Where to: a URL, or a path on this host; may have variables.",
      .need = Need::Required},
     to},
    {{.name = "status",
      .type = Type::Integer,
      .standard = "302",
      .example = "301",
      .doc = "301 and 308 are for good, 302 and 307 for now. 307 and 308 keep the method of the request; "
             "303 makes it a GET.",
      .choices = kRedirects},
     redirect_status},
};

// ---- respond

void respond_status(Loading& in, const KeyDoc& key, const Node& node, Respond& into) {
    int status = 0;
    if (!in.read(key, node, status)) return;
    if (status < 200 || status > 599) {
        in.error(node.place, fmt::format("{} cannot be the status of an answer", status),
                 "write one from 200 to 599");
        return;
    }
    into.status = status;
}

void content_type(Loading& in, const KeyDoc& key, const Node& node, Respond& into) {
    std::string type;
    if (!in.read(key, node, type)) return;
    const bool printable =
        std::all_of(type.begin(), type.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
    if (!printable || type.find('/') == type.npos) {
        in.error(node.place, fmt::format("\"{}\" is not a media type", type),
                 "for example: \"application/json\"");
        return;
    }
    into.content_type = std::move(type);
}

constexpr Key<Respond> kRespondKeys[] = {
    {{.name = "status",
      .type = Type::Integer,
      .standard = "200",
      .example = "404",
      .doc = "The status of the answer.",
      .forms = {.integer = true, .least = 200, .most = 599}},
     respond_status},
    {{.name = "body",
      .type = Type::Template,
      .standard = "\"\"",
      .example = "\"you asked for ${path}\\n\"",
      .doc = "The text; may have variables."},
     field<&Respond::body>},
    {{.name = "content_type",
      .type = Type::String,
      .standard = "\"text/plain; charset=utf-8\"",
      .example = "\"application/json\"",
      .doc = "The media type of the text."},
     content_type},
};

}  // namespace

void load_redirect(Loading& in, const KeyDoc& key, const Node& node, Location& into) {
    Redirect made;
    if (node.kind == Node::Kind::String) {
        to(in, key, node, made);
    } else if (!read_table(in, kRedirectKeys, node, "redirect", made)) {
        in.wrong_type(key, node, "a URL or a table");
        return;
    } else if (lacks(node, "to")) {
        in.error(node.place, "\"redirect\" has no \"to\"",
                 "for example: redirect = { to = \"/new\", status = 308 }");
    }
    into.handler = std::move(made);
}

void load_respond(Loading& in, const KeyDoc& key, const Node& node, Location& into) {
    Respond made;
    if (node.kind == Node::Kind::String) {
        in.read(key, node, made.body);
        const std::string& text = made.body.text;
        if (text.size() == 3 && text.find_first_not_of("0123456789") == text.npos) {
            in.warning(node.place, fmt::format("this answers 200 with the text {}", text),
                       fmt::format("a status has no quotes: respond = {}", text));
        }
    } else if (node.kind == Node::Kind::Integer) {
        respond_status(in, key, node, made);
    } else if (!read_table(in, kRespondKeys, node, "respond", made)) {
        in.wrong_type(key, node, "a text, a status or a table");
        return;
    }
    if (const Entry* body = node.find("body");
        body != nullptr && (made.status == 204 || made.status == 304)) {
        in.error(body->place, fmt::format("an answer with status {} has no body", made.status),
                 "take \"body\" out, or choose another status");
    }
    if (made.status == 301 || made.status == 302 || made.status == 303 || made.status == 307 ||
        made.status == 308) {
        in.error(node.place, fmt::format("an answer with status {} says where to go instead", made.status),
                 fmt::format("write redirect = {{ to = \"/new\", status = {} }}", made.status));
    }
    into.handler = std::move(made);
}

std::vector<Scope> answer_scope_docs() {
    return {scope_of(
                {.name = "[host.\"NAME\".location.\"PATTERN\".redirect]",
                 .path = "host.location.redirect",
                 .doc = "Send the client to another address. redirect = \"/new\" is this table with to only.",
                 .frame = "[host.\"www.example.com\".location.\"/old\".redirect]\n@",
                 .beside = "to = \"/new\""},
                kRedirectKeys),
            scope_of(
                {.name = "[host.\"NAME\".location.\"PATTERN\".respond]",
                 .path = "host.location.respond",
                 .doc = "Answer with a text. respond = \"hello\" is this table with body only, respond = 404 "
                        "with status only.",
                 .frame = "[host.\"www.example.com\".location.\"/\".respond]\n@"},
                kRespondKeys)};
}

}  // namespace gantry::conf

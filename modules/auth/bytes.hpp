// Texts as credentials are made of: base64, hexadecimal digits, lists, and comparing without telling.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

enum class Alphabet { Standard, Url };  // RFC 4648, sections 4 and 5

// Padding may be missing in Alphabet::Url alone. Nothing: it is none, or its last bits are not 0.
std::optional<std::string> from_base64(std::string_view text, Alphabet alphabet);
// Both cases of letters. Nothing: it is none.
std::optional<std::string> from_hex(std::string_view text);

// Takes as long whatever is in them, as far as they have the same size.
bool is_equal_secret(std::string_view a, std::string_view b);
// Without respect to the case of ASCII letters: names of fields and schemes.
bool is_same_name(std::string_view a, std::string_view b);
// The same, and "_" is "-" as well: applications that get fields as variables do not tell them apart.
bool is_same_variable(std::string_view a, std::string_view b);

// A token (RFC 9110 5.6.2).
bool is_field_name(std::string_view text);

std::string_view trimmed(std::string_view text);
// What is between the separators, without blanks around it and without what is empty.
std::vector<std::string> split(std::string_view text, char separator);
// `text` up to `separator`, and `text` becomes what is behind it; all of it where there is none.
std::string_view next_part(std::string_view& text, char separator);

// A quoted-string of a field (RFC 9110 5.6.4); control bytes become "?".
std::string in_quotes(std::string_view text);

}  // namespace auth

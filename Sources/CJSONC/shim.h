#include <json-c/json.h>

// json-c's iteration is a macro in C; these are its steps as functions.
static inline struct lh_entry *excise_json_object_first(struct json_object *object) { return lh_table_head(json_object_get_object(object)); }
static inline struct lh_entry *excise_json_object_next(struct lh_entry *entry) { return lh_entry_next(entry); }
static inline const char *excise_json_entry_name(struct lh_entry *entry) { return (const char *)lh_entry_k(entry); }
static inline struct json_object *excise_json_entry_value(struct lh_entry *entry) { return (struct json_object *)lh_entry_v(entry); }

/* What the files share that read programs. Functions return an error whose places count
 * from the start of the text, with statement, line and column in its message. */
#ifndef ES_LEXER_PROGRAM_READER_H
#define ES_LEXER_PROGRAM_READER_H

#include "lexer/parser.h"
#include "lexer/program.h"

enum { ES_READER_BUCKETS = 1024 };

typedef struct es_reader {
  es_graph *program;
  es_arena *arena;
  es_error *error;
  es_reading reading;
  const char *text;
  int64_t len, at;
  int depth;          /* of brackets: line ends inside are blanks */
  const char *target; /* of the statement; "" for none */
  es_names names;
  struct es_meaning { /* [room] of each name */
    int32_t value;    /* the node it stands for, or -1 */
    bool axis;        /* of an earlier pattern */
    int size;         /* 1 + where it stands in program->size; 0: it is no size */
  } * means;
  int room;
  int node_room, in_room, size_room;
  int32_t *bucket; /* [ES_READER_BUCKETS] first node of a hash, or -1 */
} es_reader;

/* ---- program_reader.c: characters, names, nodes ------------------------------------ */

es_status es_reader_fail(es_reader *r, int64_t from, int64_t to, const char *rule,
                         const char *what);
/* "expected …, found …", about what stands here. */
es_status es_reader_unexpected(es_reader *r, const char *expected);
char es_reader_peek(const es_reader *r); /* NUL at the end */
/* Blanks, comments, and line ends where the statement cannot end. */
void es_reader_skip(es_reader *r, bool lines);
bool es_reader_accept(es_reader *r, char c); /* after blanks */
es_status es_reader_expect(es_reader *r, char c, const char *expected);
es_token es_reader_token(const es_reader *r, int64_t at);
/* The id of a name of the text, which is checked, or of any text. */
es_status es_reader_intern(es_reader *r, es_span span, es_name_id *id);
es_status es_reader_number(es_reader *r, const char *text, size_t len, es_span span,
                           es_name_id *id);
/* The node equal to this one, or a new one. n.in is copied. */
es_status es_reader_add(es_reader *r, es_value_node n, int32_t *index);
es_status es_reader_input(es_reader *r, es_name_id id, es_span span, int32_t *index);

/* ---- program_pattern.c, program_arithmetic.c: the two kinds of value ------------------ */

es_status es_reader_pattern(es_reader *r, int32_t *index);
es_status es_reader_sum(es_reader *r, int32_t *index);

#endif

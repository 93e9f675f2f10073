/* The lexer of scripts, made by re2c: one token at a time, no allocation, no copies.
 * The caller has checked that the text is UTF-8 without NUL bytes. */
#include "repl/language/syntax.h"

static sc_token_kind scan(sc_lexer *lexer, const char **start, const char **end);

static const char *const token_texts[SC_TOKEN_COUNT] = {
#define SC_X(name, text) text,
    SC_TOKEN_LIST(SC_X)
#undef SC_X
};

const char *sc_token_text(sc_token_kind kind) { return token_texts[kind]; }

sc_token sc_lex(sc_lexer *lexer) {
  const char *start, *end;
  sc_token_kind kind = scan(lexer, &start, &end);
  switch (kind) {
  case SC_T_OPEN: case SC_T_OPEN_LIST: case SC_T_OPEN_DICT: lexer->brackets++; break;
  case SC_T_CLOSE: case SC_T_CLOSE_LIST: case SC_T_CLOSE_DICT:
    if (lexer->brackets) lexer->brackets--;
    break;
  default: break;
  }
  lexer->at = (size_t)(end - lexer->text);
  return (sc_token){kind, {(size_t)(start - lexer->text), (size_t)(end - start)}};
}

static sc_token_kind scan(sc_lexer *lexer, const char **start, const char **end) {
  const unsigned char *text = (const unsigned char *)lexer->text;
  const unsigned char *p = text + lexer->at, *limit = text + lexer->len, *q;
#define TOKEN(kind) do { *end = (const char *)p; return SC_T_##kind; } while (0)
again:
  *start = (const char *)p;
  /*!re2c
  re2c:define:YYCTYPE = "unsigned char";
  re2c:define:YYCURSOR = p;
  re2c:define:YYMARKER = q;
  re2c:define:YYLIMIT = limit;
  re2c:yyfill:enable = 0;
  re2c:eof = 0;

  digit    = [0-9];
  digits   = digit ("_"? digit)*;
  // Beyond ASCII: the blocks of letters, without punctuation, symbols and blanks.
  start    = [a-zA-Z_\xaa\xb5\xba\xc0-\xd6\xd8-\xf6\xf8-\u1fff\u2100-\u214f\u2c00-\u2dff]
           | [\u3040-\ud7ff\uf900-\ufdff\ufe70-\ufefe\U00010000-\U0001efff\U00020000-\U000e0000];
  name     = start (start | digit | [\u2080-\u209c])*;
  exponent = [eE] [+-]? digits;
  any      = [^];
  one      = ['] ([^'\\\n] | "\\" any)* ['];
  two      = ["] ([^"\\\n] | "\\" any)* ["];
  three    = "'''" ([^'\\] | ['] [^'\\] | "''" [^'\\] | ['] {0,2} "\\" any)* "'''";
  six      = ["]{3} ([^"\\] | ["] [^"\\] | ["]{2} [^"\\] | ["] {0,2} "\\" any)* ["]{3};
  quoted   = one | two | three | six;

  // Pasted text has blanks that do not break; files may begin with a mark of their byte order.
  [ \t\r\f\u00a0\ufeff]+ | "\\" "\r"? "\n" | "#" [^\n]*  { goto again; }
  "In [" [ 0-9]* "]:" | ">>>"                { goto again; }
  "\n"          { if (lexer->brackets) goto again; TOKEN(NEWLINE); }
  $             { TOKEN(END); }
  ";"           { TOKEN(SEMICOLON); }

  "None"        { TOKEN(NONE); }
  "True"        { TOKEN(TRUE); }
  "False"       { TOKEN(FALSE); }
  "and"         { TOKEN(AND); }
  "or"          { TOKEN(OR); }
  "not"         { TOKEN(NOT); }
  "import"      { TOKEN(IMPORT); }
  "from"        { TOKEN(FROM); }
  "as"          { TOKEN(AS); }
  "for" | "while" | "if" | "elif" | "else" | "def" | "class" | "lambda" | "with" | "try"
  | "except" | "finally" | "return" | "yield" | "assert" | "del" | "pass" | "break" | "continue"
  | "raise" | "global" | "async" | "await" | "is"   { TOKEN(KEYWORD); }
  "in"          { TOKEN(IN); }
  name          { TOKEN(NAME); }

  digits | "0" [xX] [0-9a-fA-F]+                        { TOKEN(INT); }
  digits "." digits? exponent? | "." digits exponent? | digits exponent  { TOKEN(FLOAT); }
  (digits | digits "." digits | "0" [xX] [0-9a-fA-F]+) start  { TOKEN(BAD_NUMBER); }
  [rR]? quoted  { TOKEN(STRING); }
  [fF] quoted   { TOKEN(FSTRING); }
  [rRfF]? ['"]  { TOKEN(UNCLOSED); }
  [rRfF]? ("'''" | ["]{3})  { TOKEN(UNCLOSED); }

  "("           { TOKEN(OPEN); }
  ")"           { TOKEN(CLOSE); }
  "["           { TOKEN(OPEN_LIST); }
  "]"           { TOKEN(CLOSE_LIST); }
  "{"           { TOKEN(OPEN_DICT); }
  "}"           { TOKEN(CLOSE_DICT); }
  ","           { TOKEN(COMMA); }
  ":"           { TOKEN(COLON); }
  "."           { TOKEN(DOT); }
  "..." | "\u2026"  { TOKEN(ELLIPSIS); }
  "+="|"-="|"*="|"/="|"//="|"%="|"**="|"@="|"&="|"|="|"^="|"<<="|">>="  { TOKEN(AUGMENT); }
  "="           { TOKEN(ASSIGN); }
  "+"           { TOKEN(PLUS); }
  "-"           { TOKEN(MINUS); }
  "*"           { TOKEN(STAR); }
  "/"           { TOKEN(SLASH); }
  "//"          { TOKEN(FLOOR); }
  "%"           { TOKEN(PERCENT); }
  "**"          { TOKEN(POWER); }
  "@"           { TOKEN(AT); }
  "&"           { TOKEN(BIT_AND); }
  "|"           { TOKEN(BIT_OR); }
  "^"           { TOKEN(BIT_XOR); }
  "~"           { TOKEN(BIT_NOT); }
  "<<"          { TOKEN(LEFT); }
  ">>"          { TOKEN(RIGHT); }
  "=="          { TOKEN(EQ); }
  "!="          { TOKEN(NE); }
  "<"           { TOKEN(LT); }
  "<="          { TOKEN(LE); }
  ">"           { TOKEN(GT); }
  ">="          { TOKEN(GE); }
  any           { TOKEN(BAD); }
  *             { TOKEN(BAD); }
  */
#undef TOKEN
}

bool sc_needs_more(sc_open_text *state, const char *text, size_t len) {
  sc_lexer lexer = {text, len, state->at, state->brackets};
  for (;;) {
    sc_token token = sc_lex(&lexer);
    bool open_string = token.kind == SC_T_UNCLOSED && token.span.length >= 3;
    if (token.kind == SC_T_END) {
      state->at = len;
      state->brackets = lexer.brackets;
      return lexer.brackets > 0;
    }
    if (token.kind == SC_T_BAD || token.kind == SC_T_UNCLOSED) {
      state->at = token.span.offset; /* an open string is read again from its start */
      state->brackets = lexer.brackets;
      return open_string;
    }
  }
}

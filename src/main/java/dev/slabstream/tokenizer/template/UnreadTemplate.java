package dev.slabstream.tokenizer.template;

import java.util.List;
import java.util.Map;

record UnreadTemplate(String source) implements ChatTemplate {
  @Override
  public List<Piece> render(Map<String, Object> variables) {
    throw new ChatTemplateException("no interpreter");
  }
}

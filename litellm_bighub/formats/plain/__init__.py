"""Plain requests, which hold no conversation: embeddings, rerank, moderations, speech, transcriptions, images."""
